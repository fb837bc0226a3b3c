import { expect, it } from "vitest";
import { claimJobs } from "../../../src/admission/claims.ts";
import type { JobInput } from "../../../src/job/generation-job.ts";
import { JOB_NAME } from "../../../src/queue/job-codec.ts";
import type { BatchOutcome } from "../../../src/queue/enqueue-batch.ts";
import { ADA, NORI, startSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

const LANE = "openai~gpt-6-luna";

function tweet(id: string, topic = "tea"): JobInput {
  return { id, kind: "tweet", agent: "nori", context: { topic } };
}

it("the same job enqueued a hundred times, at once and in bulk, is called for once and has one result", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const { producer } = system;
  const single = await Promise.all(Array.from({ length: 50 }, async () => await producer.enqueue(tweet("a"))));
  expect(single.filter(({ status }) => status === "enqueued")).toHaveLength(1);
  await system.startWorker();
  const summary = await producer.enqueueMany(
    Array.from({ length: 50 }, () => tweet("a")),
    { batchSize: 10 },
  );
  expect(summary.alreadyEnqueued + summary.alreadyFinished).toBe(50);
  const result = await system.resultOf("a");
  expect(await producer.enqueue(tweet("a"))).toEqual({ id: "a", lane: LANE, status: "already-finished" });
  expect(await system.resultOf("a")).toEqual(result);
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("another payload under the same id is a conflict, whether the first job is finished or not", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const conflict = "job a: the id belongs to a job with another payload; give this one another id";
  await system.producer.enqueue(tweet("a"));
  await expect(system.producer.enqueue(tweet("a", "coffee"))).rejects.toThrow(conflict);
  await expect(system.producer.enqueue({ ...tweet("a"), agent: "ada" })).rejects.toThrow(conflict);
  await system.startWorker();
  await system.resultOf("a");
  await expect(system.producer.enqueue(tweet("a", "coffee"))).rejects.toThrow(conflict);
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("refused inputs of a batch do not hold the others up; each is told with its index", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const inputs = [tweet("a"), { ...tweet("b"), agent: "norri" }, tweet("a", "x"), tweet("c")] as JobInput[];
  const outcomes = new Map<number, BatchOutcome>();
  const summary = await system.producer.enqueueMany(inputs, {
    onOutcome: (index, outcome) => void outcomes.set(index, outcome),
  });
  expect(summary).toEqual({ enqueued: 2, alreadyEnqueued: 0, alreadyFinished: 0, refused: 2 });
  const told = [0, 1, 2, 3].map((index) => {
    const outcome = outcomes.get(index);
    return outcome?.accepted === false ? outcome.error.message : outcome?.job.status;
  });
  expect(told[0]).toBe("enqueued");
  expect(told[1]).toMatch(/^job agent: got "norri"; expected .*nori/);
  expect(told[2]).toContain("job a: the id belongs to a job with another payload");
  expect(told[3]).toBe("enqueued");
  await system.startWorker();
  await Promise.all([system.resultOf("a"), system.resultOf("c")]);
  expect(openai.calls).toHaveLength(2);
});

it("a job that comes a second time after it was settled is answered from its record: no call", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run(tweet("a"));
  const first = await system.queued(LANE, "a", "completed");
  await first.remove();
  await system.lane(LANE).add(JOB_NAME, first.data, { jobId: "j_a" });
  const second = await system.queued(LANE, "a", "completed");
  expect(second.returnvalue).toEqual(first.returnvalue);
  expect(await system.resultOf("a")).toEqual(result);
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("a failed job that is delivered again after a crash fails again with its recorded reason: no call", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/400-invalid-type.json"), completionAnswer());
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run(tweet("a"));
  const first = await system.queued(LANE, "a", "failed");
  await first.remove();
  await system.lane(LANE).add(JOB_NAME, first.data, { jobId: "j_a" });
  const second = await system.queued(LANE, "a", "failed");
  expect(second.failedReason).toBe(first.failedReason);
  expect(await system.resultOf("a")).toEqual(result);
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("Retry on a failed job (Bull Board) is a new generation: it is called for again and its result replaces the failure", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/400-invalid-type.json"), completionAnswer());
  await using system = await startSystem({ openai });
  await system.startWorker();
  expect(await system.run(tweet("a"))).toMatchObject({ status: "failed", attempts: [{ attempt: 1 }] });
  const failed = await system.queued(LANE, "a", "failed");
  await failed.retry();
  await system.queued(LANE, "a", "completed");
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded", attempts: [{ attempt: 2 }] });
  expect(openai.calls).toHaveLength(2);
  const rows = await system.expectAccounted();
  expect(rows.map(({ attemptId }) => attemptId)).toEqual(["a.1", "a.2"]);
});

it("Retry on a succeeded job changes nothing: no call, the same record", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run(tweet("a"));
  const done = await system.queued(LANE, "a", "completed");
  await done.retry("completed");
  // It was taken a second time when it has finished later than the first time.
  await expect
    .poll(async () => (await system.queued(LANE, "a", "completed")).finishedOn, { timeout: 5_000 })
    .toBeGreaterThan(done.finishedOn ?? 0);
  expect(await system.resultOf("a")).toEqual(result);
  expect(openai.calls).toHaveLength(1);
});

it("a producer that died between claim and add is made good by the next enqueue", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(tweet("a"));
  const queue = system.lane(LANE);
  await queue.remove("j_a");
  expect(await queue.getJob("j_a")).toBeUndefined();
  expect(await system.producer.enqueue(tweet("a"))).toMatchObject({ status: "already-enqueued" });
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  expect(openai.calls).toHaveLength(1);
});

it("another deadline is no other job, and the first one counts", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue({ ...tweet("a"), deadline: "2026-01-02T03:04:05Z" });
  expect(await system.producer.enqueue(tweet("a"))).toMatchObject({ status: "already-enqueued" });
  await system.startWorker();
  expect(await system.resultOf("a")).toMatchObject({
    status: "expired",
    reason: "its deadline 2026-01-02T03:04:05.000Z is over",
    attempts: [],
    costMicroUsd: 0,
  });
  expect(openai.calls).toHaveLength(0);
});

it("a job keeps the lane and the agent of its first enqueue, although the agent has changed since", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai, grok: openai });
  await system.producer.enqueue(tweet("a"));
  const changed = { ...ADA, id: "nori", custom_system_prompt: "You are somebody else now." };
  const later = await system.producerOf([changed]).enqueue(tweet("a"));
  expect(later).toEqual({ id: "a", lane: LANE, status: "already-enqueued" });
  await system.startWorker();
  await system.resultOf("a");
  expect(openai.calls).toHaveLength(1);
  expect(openai.calls[0]?.bodyText).toContain(NORI.custom_system_prompt);
});

it("a worker finds a lane that appears while it runs", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const agent = { ...NORI, id: "new", llm_config: { model: "ft:gpt-6-luna:org::id" } };
  const { lane } = await system.producerOf([agent]).enqueue({ id: "a", kind: "tweet", agent: "new" });
  expect(lane).not.toMatch(/[:{}]/);
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
});

it("claims taken by another producer count here too", async () => {
  await using system = await startSystem();
  const request = { payloadHash: "other", lane: LANE, snapshot: "s", agentId: "nori", kind: "tweet", rotates: false };
  await claimJobs(system.redis, system.namespace, {
    requests: [{ id: "a", ...request, kind: "tweet" }],
    lanes: new Map(),
  });
  await expect(system.producer.enqueue(tweet("a"))).rejects.toThrow(/^job a: the id belongs/);
});

it("an id whose result is forgotten is free again, although a quiet lane still has its finished job", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  await system.run(tweet("a"));
  await system.queued(LANE, "a", "completed");
  // As after `resultsDays`.
  await system.redis.del(system.keys.job("a"));
  expect(await system.producer.enqueue(tweet("a", "coffee"))).toEqual({ id: "a", lane: LANE, status: "enqueued" });
  expect((await system.resultOf("a")).status).toBe("succeeded");
  expect(openai.calls.map(({ bodyText }) => bodyText.includes("coffee"))).toEqual([false, true]);
});
