import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startFaultSystem, type FaultSystem } from "../support/faults/fault-system.ts";
import { completionAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { RedisUnavailableError } from "../../src/platform/redis.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { connectTestRedis } from "../support/redis.ts";
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

it(
  "fault 14: a master that is made a replica is read-only: whoever enqueues is told, and work goes on when it is master again",
  async () => {
    await using server = await startLocalRedis();
    await using openai = await startRecordedServer();
    await using system = await startFaultSystem({ redisUrl: server.url, openai, concurrency: CONCURRENCY });
    const worker = await system.startWorker();
    await system.enqueue(CONCURRENCY);
    await openai.seen(1);
    await using admin = await connectTestRedis({}, server.url);
    // Nobody answers there: it keeps what it has.
    await admin.replicaof("127.0.0.1", 1);
    await expect(system.enqueue(1, { name: "refused" })).rejects.toThrow(RedisUnavailableError);
    await worker.waitForOutput(/READONLY/);
    await admin.replicaof("NO", "ONE");
    await system.enqueue(CONCURRENCY, { name: "after" });
    await system.allEnded(PATIENCE_MS);
    expect(await system.reconcile()).toMatchObject({ broken: [], extraCalls: 0, callsAfterRecord: 0 });
  },
  PATIENCE_MS,
);
