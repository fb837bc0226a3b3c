import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startFaultSystem, type FaultSystem } from "../support/faults/fault-system.ts";
import { completionAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startWatchedRedis } from "../support/redis-sentinels.ts";
import { waitFor } from "../support/wait-for.ts";

const PATIENCE_MS = 120_000;
const CONCURRENCY = 8;
const JOBS = 60;

/** Goes on until it is told to stop; what is refused was not acknowledged. */
async function produce(system: FaultSystem, isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver(); round++) {
    await system.enqueue(4, { name: `late-${round}` }).catch(() => undefined);
    await sleep(50);
  }
}

it(
  "fault 14: the master dies: its replica takes over, worker and producer go on by themselves, nothing is lost",
  async () => {
    await using watched = await startWatchedRedis();
    await using openai = await startRecordedServer(async () => {
      await sleep(50);
      return completionAnswer();
    });
    await using system = await startFaultSystem({ redisUrl: watched.url, openai, concurrency: CONCURRENCY });
    await system.startWorker();
    await system.enqueue(JOBS);
    let isOver = false;
    const producing = produce(system, () => isOver);
    await openai.seen(CONCURRENCY);
    const before = await watched.masterPort();
    // What the master has acknowledged is on its way to the replica, at most: a moment makes it arrive.
    await system.redis.wait(1, 1000);
    await watched.master.stop("SIGKILL");
    await waitFor(async () => (await watched.masterPort()) !== before, { timeoutMs: 30_000 });
    const [seen, accepted] = [openai.calls.length, system.accepted.length];
    await openai.seen(seen + CONCURRENCY);
    await waitFor(() => system.accepted.length > accepted, { timeoutMs: 20_000, describe: () => "new jobs are taken" });
    isOver = true;
    await producing;
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0, ended: { succeeded: system.accepted.length } });
    expect(accounts.extraCalls).toBeLessThanOrEqual(CONCURRENCY);
  },
  PATIENCE_MS,
);
