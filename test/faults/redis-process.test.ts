import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem, tweet, type FaultSystem } from "../support/faults/fault-system.ts";
import { heldAnswers } from "../support/faults/held-answers.ts";
import { appendedBytes, cutPower, watchFsync } from "../support/faults/power-loss.ts";
import { timeProgress } from "../support/faults/recovery.ts";
import { completionAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

/* Redis itself is killed, loses its power, or stands still. All tests of this file wait at the same time. */

const CONCURRENCY = 4;
const PATIENCE_MS = 90_000;

interface Surroundings {
  readonly server: LocalRedis;
  readonly openai: RecordedServer;
  readonly system: FaultSystem;
}

async function open(stack: AsyncDisposableStack, settings: readonly string[] = []): Promise<Surroundings> {
  const server = stack.use(await startLocalRedis(settings));
  const openai = stack.use(await startRecordedServer(unhurried));
  const options = { redisUrl: server.url, openai, concurrency: CONCURRENCY };
  return { server, openai, system: stack.use(await startFaultSystem(options)) };
}

async function unhurried(): Promise<RecordedAnswer> {
  await sleep(100);
  return completionAnswer();
}

/** Enqueues one job after the other until Redis is away. */
async function enqueueOn(system: FaultSystem, name: string, onAcknowledged: (id: string) => void): Promise<void> {
  for (let index = 0; ; index++) {
    const ids = await system.enqueue(1, { name: `${name}-${index}` }).catch(() => []);
    if (ids.length === 0) return;
    ids.forEach(onAcknowledged);
  }
}

const KILLS = ALL_FAULTS ? 20 : 2;

it.concurrent(
  `fault 9: Redis is killed under load (${KILLS} times): what was acknowledged is done, and it goes on by itself`,
  async () => {
    await using stack = new AsyncDisposableStack();
    const { server, system } = await open(stack);
    await system.startWorker();
    for (let kill = 0; kill < KILLS; kill++) {
      const enqueuing = enqueueOn(system, `load-${kill}`, () => undefined);
      const before = system.accepted.length;
      await waitFor(() => system.accepted.length > before + 20);
      await server.stop("SIGKILL");
      await enqueuing;
      await server.start();
      await timeProgress("fault 9: progress after Redis is back", system);
    }
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0 });
    expect(accounts.extraCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY);
  },
  ALL_FAULTS ? 900_000 : 180_000,
);

it.concurrent(
  "fault 10: power loss with appendfsync always: nothing that was acknowledged is lost",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { server, system } = await open(stack, ["--appendfsync", "always"]);
    let syncedBytes = 0;
    // What is acknowledged is on the disk already; what comes behind it may not be.
    const enqueuing = enqueueOn(system, "load", () => (syncedBytes = appendedBytes(server)));
    await waitFor(() => system.accepted.length > 40);
    await server.stop("SIGKILL");
    await enqueuing;
    await cutPower(server, syncedBytes);
    await server.start();
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    expect(await system.reconcile()).toMatchObject({ broken: [], extraCalls: 0 });
  },
  180_000,
);

/** Several times as long as Redis waits between two fsyncs. */
const RUNS_MS = 3500;

it.concurrent(
  "fault 10: power loss with appendfsync everysec: what came after the last fsync is lost, and can be sent again",
  async ({ skip }) => {
    await using stack = new AsyncDisposableStack();
    const { server, system } = await open(stack, ["--appendfsync", "everysec"]);
    const watch = watchFsync(server, system.redis);
    if (watch === null) return skip("this machine does not tell when Redis' fsync is through");
    const acknowledgedMs = new Map<string, number>();
    const enqueuing = enqueueOn(system, "load", (id) => acknowledgedMs.set(id, performance.now()));
    await sleep(RUNS_MS);
    await watch.stop();
    const cutMs = performance.now();
    const synced = watch.synced();
    await cutPower(server, synced.bytes);
    await enqueuing;
    await server.start();
    await system.startWorker();
    const lostMs: number[] = [];
    for (const [id, atMs] of acknowledgedMs) {
      const { status } = await system.producer.enqueue(tweet(id));
      if (status === "enqueued") lostMs.push(atMs);
    }
    const oldestMs = lostMs.length === 0 ? 0 : Math.round(cutMs - Math.min(...lostMs));
    console.info(`fault 10: ${lostMs.length} of ${acknowledgedMs.size} lost, the oldest ${oldestMs} ms old`);
    expect(acknowledgedMs.size - lostMs.length, "something was on the disk").toBeGreaterThan(0);
    expect(
      lostMs.filter((atMs) => atMs < synced.atMs),
      "on the disk, and lost",
    ).toEqual([]);
    await system.allEnded(PATIENCE_MS);
  },
  180_000,
);

/** Longer than BullMQ's locks last. */
const PAUSE_MS = 17_000;

it.concurrent(
  "fault 15: Redis stands still for longer than the locks last: no more extra calls than jobs were in flight",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { server, openai, system } = await open(stack);
    const held = heldAnswers();
    openai.answerWith(held.answer);
    await system.startWorker();
    await system.enqueue(12);
    await openai.seen(CONCURRENCY);
    server.signal("SIGSTOP");
    held.release();
    await sleep(PAUSE_MS);
    server.signal("SIGCONT");
    await timeProgress("fault 15: progress after Redis goes on", system);
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0 });
    expect(accounts.extraCalls).toBeLessThanOrEqual(CONCURRENCY);
  },
  180_000,
);
