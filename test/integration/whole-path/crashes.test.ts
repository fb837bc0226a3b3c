import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { JOB_NAME } from "../../../src/queue/job-codec.ts";
import { QUARANTINE } from "../../../src/queue/lane.ts";
import { admitRequestOf, admissionOf, intentOf, settlementOf } from "../../support/attempts.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

/*
 * A worker that died in mid-call leaves an open intent and says nothing more. Here nobody dies: the intent of a worker
 * that never was is written as it would have left it. `worker-killed.test.ts` kills a real one.
 */

const LANE = "openai~gpt-6-luna";
const TWEET = { id: "a", kind: "tweet", agent: "nori" } as const;

/** Announces an attempt of a worker that is not heard of any more. */
async function leaveIntent(system: GenerationSystem, attempt: number, workerId = "dead"): Promise<UsageRecord> {
  const { redis, namespace, keys } = system;
  const intent = intentOf("a", attempt, { agentId: "nori", startedAt: Date.now() });
  const admission = admissionOf(redis, namespace, { workerId });
  const reply = await admission.admit(admitRequestOf(intent.jobId, { intent, knownAttempts: attempt - 1 }));
  expect(reply.answer).toBe("granted");
  await redis.zadd(keys.workers, 0, workerId);
  return intent;
}

function outcomes(rows: readonly UsageRecord[]): string[] {
  return [...rows].sort((a, b) => a.attempt - b.attempt).map(({ outcome }) => outcome);
}

it("a job with an open intent runs again in quarantine, and the intent becomes an orphan at its largest cost", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const intent = await leaveIntent(system, 1);
  await system.startWorker();
  const result = await system.resultOf("a");
  expect(result).toMatchObject({ status: "succeeded", attempts: [{ outcome: "crashed" }, { outcome: "succeeded" }] });
  expect(openai.calls).toHaveLength(1);
  expect((await system.queued(LANE, "a", "completed")).returnvalue).toEqual({ status: "quarantined" });
  await system.queued(QUARANTINE.name, "a", "completed");
  const rows = await system.rows();
  expect(rows).toContainEqual(intent);
  expect(outcomes(rows)).toEqual(["crashed", "succeeded"]);
  expect(result.costMicroUsd, "both are in its cost").toBe(140.5 + 8);
  expect(system.logs).toContainEqual(expect.objectContaining({ jobId: "a", outcome: "crashed" }));
});

it("an outcome that only a newer worker knows is taken for an answer that is none, and the job goes on", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const { redis, namespace } = system;
  const intent = await leaveIntent(system, 1, "newer");
  const row = { ...intent, outcome: "of-the-future", sent: "yes" } as unknown as UsageRecord;
  await admissionOf(redis, namespace, { workerId: "newer" }).settle(settlementOf(row));
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({
    status: "succeeded",
    attempts: [{ outcome: "invalid-response" }, { outcome: "succeeded" }],
  });
});

it("the neighbours of such a job stay in their lane", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  for (const id of ["b", "c"]) await system.producer.enqueue({ ...TWEET, id });
  await leaveIntent(system, 1);
  await system.startWorker();
  for (const id of ["a", "b", "c"]) expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
  for (const id of ["b", "c"]) expect(await system.lane(QUARANTINE.name).getJob(`j_${id}`)).toBeUndefined();
});

it("three crashes while it ran alone end a job; its record tells every attempt, and nobody is called any more", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  for (const attempt of [1, 2, 3, 4]) await leaveIntent(system, attempt, `dead-${attempt}`);
  await system.startWorker();
  const result = await system.resultOf("a");
  const reason = "its worker died in mid-call 4 times, 3 of them while it ran alone";
  expect(result).toMatchObject({ status: "failed", reason, costMicroUsd: 4 * 140.5 });
  expect(result.attempts.map(({ outcome }) => outcome)).toEqual(["crashed", "crashed", "crashed", "crashed"]);
  expect(openai.calls).toHaveLength(0);
  expect(outcomes(await system.rows())).toEqual(["crashed", "crashed", "crashed", "crashed"]);
});

it("where workers die anyway, a job that was there four times is not to blame", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  for (const attempt of [1, 2, 3, 4]) await leaveIntent(system, attempt, `dead-${attempt}`);
  // One more than three times as many as its own, of which the first counts as one of others.
  for (let other = 1; other <= 12; other++) await system.redis.zadd(system.keys.deaths, Date.now(), `other-${other}`);
  await system.redis.zadd(system.keys.deaths, Date.now() - 3600_000, "long-before");
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  await expect.poll(async () => await system.redis.zcard(system.keys.deaths)).toBe(1 + 12 + 1);
});

it("two crashes alone are not enough", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  for (const attempt of [1, 2, 3]) await leaveIntent(system, attempt);
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  expect(openai.calls).toHaveLength(1);
});

it("Retry on a job that was failed for its crashes begins anew: earlier crashes do not count against it", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  for (const attempt of [1, 2, 3, 4]) await leaveIntent(system, attempt);
  await system.startWorker();
  await system.resultOf("a");
  const failed = await system.queued(QUARANTINE.name, "a", "failed");
  await failed.retry();
  await system.queued(QUARANTINE.name, "a", "completed");
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded", attempts: [{ attempt: 5 }] });
});

it("a job whose worker died in mid-call can be cancelled: whoever gets it next ends it, without a call", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  await leaveIntent(system, 1);
  expect(await system.producer.cancel("a")).toBe("cancelling");
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({ status: "cancelled", attempts: [{ outcome: "crashed" }] });
  expect(openai.calls).toHaveLength(0);
});

it("a worker that was only silent settles late: its orphan becomes what the call really was", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const intent = await leaveIntent(system, 1, "silent");
  await system.startWorker();
  const result = await system.resultOf("a");
  const { redis, namespace } = system;
  const late = { ...intent, outcome: "succeeded", sent: "yes", costMicroUsd: 2, possiblyBilled: false } as const;
  const settlement = settlementOf(late);
  expect(await admissionOf(redis, namespace, { workerId: "silent" }).settle(settlement)).toEqual({
    record: result,
    hasOpenedBreaker: false,
  });
  const rows = await system.rows();
  expect(rows).toContainEqual(late);
  expect(outcomes(rows)).toEqual(["succeeded", "succeeded"]);
});

it("a job that is delivered twice at the same time is called for once more at most, and has one result", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const { data } = await system.queued(LANE, "a", "prioritized", "waiting");
  for (const copy of ["j_copy1", "j_copy2", "j_copy3"]) await system.lane(LANE).add(JOB_NAME, data, { jobId: copy });
  await Promise.all([system.startWorker(), system.startWorker()]);
  const result = await system.resultOf("a");
  expect(result.status).toBe("succeeded");
  const done = ["a", "copy1", "copy2", "copy3"].map(async (id) => await system.queued(LANE, id, "completed"));
  await Promise.all(done);
  expect(openai.calls.length).toBeLessThanOrEqual(2);
  expect(await system.resultOf("a")).toEqual(result);
  await expect.poll(async () => (await system.expectAccounted()).length).toBe(openai.calls.length);
});

it("a job in quarantine takes its place among those that a worker has in work", async () => {
  const calls = { open: 0, most: 0, seen: 0 };
  await using openai = await startRecordedServer(async () => {
    calls.most = Math.max(calls.most, ++calls.open);
    // The first is the one in quarantine, and hangs.
    if (++calls.seen === 1) return undefined;
    await sleep(20);
    calls.open--;
    return completionAnswer();
  });
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const waiting = await system.queued(LANE, "a", "prioritized", "waiting");
  await system.lane(QUARANTINE.name).add(JOB_NAME, waiting.data, { jobId: "j_a" });
  await waiting.remove();
  await system.startWorker({ concurrency: 2 });
  await openai.seen(1);
  const ids = Array.from({ length: 10 }, (_, index) => `other-${index}`);
  for (const id of ids) await system.producer.enqueue({ ...TWEET, id });
  for (const id of ids) expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
  expect(calls.most).toBe(2);
});

it("a worker without the keys of a job in quarantine leaves it to others", async () => {
  await using grok = await startRecordedServer();
  await using system = await startSystem({ grok });
  await system.producer.enqueue(TWEET);
  const { data } = await system.queued(LANE, "a", "prioritized", "waiting");
  await system.lane("quarantine").add(JOB_NAME, data, { jobId: "j_a" });
  await system.startWorker();
  await system.queued("quarantine", "a", "delayed");
  expect(await system.producer.result("a")).toBeNull();
});
