import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem, type FaultSystem } from "../support/faults/fault-system.ts";
import { hang } from "../support/misbehaving-answers.ts";
import { completionAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";

/*
 * Rows 1 to 8 and 30. Workers are processes that die at one exact point, or are killed by the provider in mid-call; what
 * they leave behind runs again after 35 s at most. The tests of this file wait at the same time.
 */
const CONCURRENCY = 4;
const JOBS = 8;
const PATIENCE_MS = 90_000;

let redis: LocalRedis;
beforeAll(async () => void (redis = await startLocalRedis()));
afterAll(async () => await redis[Symbol.asyncDispose]());

/** Long enough for several calls to be under way together. */
const unhurried = async (): Promise<RecordedAnswer> => {
  await sleep(50);
  return completionAnswer();
};

async function openSystem(openai: RecordedServer): Promise<FaultSystem> {
  return await startFaultSystem({ redisUrl: redis.url, openai, concurrency: CONCURRENCY });
}

/** `alone`: nothing else is under way in the worker when it dies. */
const DEATHS = [
  { fault: "1: killed before it has asked for a call", killAt: "asking:2", alone: true, mostExtra: 0, orphans: 0 },
  {
    fault: "1: killed with a permission that it has not used",
    killAt: "granted:2",
    alone: true,
    mostExtra: 0,
    orphans: 1,
  },
  {
    fault: "3: killed with an answer that is not recorded yet",
    killAt: "answered:2",
    alone: false,
    mostExtra: CONCURRENCY,
  },
  {
    fault: "4: killed after the record, before BullMQ knows",
    killAt: "settled:2",
    alone: true,
    mostExtra: 0,
    orphans: 0,
  },
  { fault: "5: killed while Redis writes the record", killAt: "settling:2", alone: false, mostExtra: CONCURRENCY },
] as const;

it.concurrent.each(DEATHS)(
  "fault $fault: nothing is lost, extra calls: $mostExtra at most",
  async ({ killAt, alone, mostExtra, ...left }) => {
    await using openai = await startRecordedServer(unhurried);
    await using system = await openSystem(openai);
    const victim = await system.startWorker({ killAt, env: alone ? { WORKER_CONCURRENCY: "1" } : {} });
    await system.enqueue(JOBS);
    expect(await victim.ended).toMatchObject({ signal: "SIGKILL" });
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0, ended: { succeeded: JOBS } });
    expect(accounts.extraCalls).toBeLessThanOrEqual(mostExtra);
    if ("orphans" in left) expect(accounts.orphans).toBe(left.orphans);
  },
  PATIENCE_MS,
);

it.concurrent(
  "fault 2: killed in mid-call: its calls are accounted for at their highest price, and are made once more at most",
  async () => {
    const { answer, victims } = killer();
    await using openai = await startRecordedServer(answer);
    await using system = await openSystem(openai);
    const victim = await system.startWorker();
    victims.push(victim.pid);
    await system.enqueue(JOBS);
    expect(await victim.ended).toMatchObject({ signal: "SIGKILL" });
    const seen = openai.calls.length;
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0, ended: { succeeded: JOBS } });
    expect(accounts.extraCalls).toBeLessThanOrEqual(CONCURRENCY);
    expect(accounts.orphans, "of each call that was killed, one").toBeGreaterThanOrEqual(seen);
    expect(accounts.extraCalls, "each of them is made again").toBe(seen);
  },
  PATIENCE_MS,
);

/** Kills who calls first, with all that it has under way, and answers everybody else. */
function killer(): { readonly answer: Answer; readonly victims: number[] } {
  const victims: number[] = [];
  return {
    victims,
    async answer() {
      const victim = victims.shift();
      if (victim !== undefined) process.kill(victim, "SIGKILL");
      return victim === undefined ? await unhurried() : undefined;
    },
  };
}

it.concurrent(
  "fault 6: SIGTERM: calls finish, no other is begun, exit code 0",
  async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await using openai = await startRecordedServer(async () => {
      await released;
      return completionAnswer();
    });
    await using system = await openSystem(openai);
    const worker = await system.startWorker();
    await system.enqueue(JOBS);
    await openai.seen(1);
    worker.signal("SIGTERM");
    await worker.waitForOutput(/stopping/);
    const begun = openai.calls.length;
    release();
    expect(await worker.ended).toMatchObject({ code: 0, signal: null });
    expect(openai.calls.length, "what was taken before may call, nothing else").toBeLessThanOrEqual(
      Math.max(begun, CONCURRENCY),
    );
    expect(await system.ended()).toBe(openai.calls.length);
    await system.startWorker();
    await system.allEnded();
    expect(await system.reconcile()).toMatchObject({
      broken: [],
      extraCalls: 0,
      orphans: 0,
      ended: { succeeded: JOBS },
    });
  },
  PATIENCE_MS,
);

it.concurrent.each([
  ["a second signal", { worker: { graceSeconds: 600 } }, 2],
  ["a grace that is over", { worker: { graceSeconds: 1 } }, 1],
])(
  "fault 7: %s: calls are aborted and accounted for, their jobs are back at once, exit code 130",
  async (...row) => {
    const [, settings, signals] = row;
    await using openai = await startRecordedServer(hang);
    await using system = await startFaultSystem({ redisUrl: redis.url, openai, concurrency: CONCURRENCY, settings });
    const worker = await system.startWorker();
    await system.enqueue(CONCURRENCY);
    await openai.seen(CONCURRENCY);
    worker.signal("SIGTERM");
    await worker.waitForOutput(/stopping/);
    if (signals === 2) {
      // Two within half a second count as one: npm passes on what the terminal has sent already.
      await sleep(600);
      worker.signal("SIGTERM");
    }
    expect(await worker.ended).toMatchObject({ code: 130, signal: null });
    openai.answerWith(completionAnswer());
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({
      broken: [],
      extraCalls: CONCURRENCY,
      orphans: 0,
      ended: { succeeded: CONCURRENCY },
    });
  },
  PATIENCE_MS,
);

it.concurrent.each([
  ["in mid-call", undefined],
  ["with the permission for a call", "granted:1"],
] as const)(
  "fault 8: stopped for longer than its lock, %s: one extra call a job at most, one result, both are paid for",
  async (_, killAt) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const state = { calls: 0 };
    await using openai = await startRecordedServer(async () => {
      if (killAt === undefined && state.calls++ < CONCURRENCY) await released;
      return completionAnswer();
    });
    await using system = await openSystem(openai);
    const sleeper = await system.startWorker(killAt === undefined ? {} : { killAt, env: { KILL_WITH: "SIGSTOP" } });
    await system.enqueue(CONCURRENCY);
    if (killAt === undefined) {
      await openai.seen(CONCURRENCY);
      sleeper.signal("SIGSTOP");
    }
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    release();
    sleeper.signal("SIGCONT");
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], ended: { succeeded: CONCURRENCY } });
    expect(accounts.extraCalls).toBe(killAt === undefined ? CONCURRENCY : 0);
    expect(accounts.callsAfterRecord, "who comes back asks before it calls").toBe(0);
    sleeper.signal("SIGTERM");
    expect(await sleeper.ended).toMatchObject({ code: 0 });
  },
  PATIENCE_MS,
);

it.skipIf(!ALL_FAULTS).concurrent(
  `fault 30: a job that crashes its worker is set aside after three crashes of its own, its neighbours are unharmed${ALL_FAULTS ? "" : " (skipped: minutes; npm run test:faults)"}`,
  async () => {
    const state: { victim?: { signal(name: NodeJS.Signals): void } } = {};
    await using openai = await startRecordedServer(async (call) => {
      if (!call.bodyText.includes("kettles for poison-0")) return await unhurried();
      state.victim?.signal("SIGKILL");
      return undefined;
    });
    await using system = await openSystem(openai);
    await system.enqueue(1, { name: "poison" });
    await system.enqueue(3 * JOBS);
    for (let crash = 1; crash <= 4; crash++) {
      const victim = await system.startWorker();
      state.victim = victim;
      expect(await victim.ended).toMatchObject({ signal: "SIGKILL" });
    }
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    expect(await system.producer.result("poison-0")).toMatchObject({
      status: "failed",
      reason: "its worker died in mid-call 4 times, 3 of them while it ran alone",
    });
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], ended: { failed: 1, succeeded: 3 * JOBS } });
  },
  5 * PATIENCE_MS,
);
