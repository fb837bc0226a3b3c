import { expect, it } from "vitest";
import { startSystem } from "../../support/generation-system.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";

const LANE = "openai~gpt-6-luna";
const TWEET = { kind: "tweet", agent: "nori" } as const;

/** An answer that comes when it is told to. */
function heldAnswer(): { answer: Answer; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer: Answer = async () => {
    await promise;
    return completionAnswer({ text: "I was finished in peace." });
  };
  return { answer, release: resolve };
}

it("a graceful stop lets calls in flight finish, takes no further job, and loses none", async () => {
  const held = heldAnswer();
  await using openai = await startRecordedServer(held.answer);
  await using system = await startSystem({ openai });
  const worker = await system.startWorker({ concurrency: 1 });
  await system.producer.enqueue({ ...TWEET, id: "a" });
  await openai.seen(1);
  await system.producer.enqueue({ ...TWEET, id: "b" });
  const stopped = worker.stop();
  held.release();
  expect(await stopped).toEqual({ aborted: 0 });
  expect(await system.producer.result("a")).toMatchObject({ status: "succeeded", text: "I was finished in peace." });
  await system.queued(LANE, "a", "completed");
  expect(openai.calls).toHaveLength(1);
  expect(await system.redis.zcard(system.keys.workers), "it has signed off").toBe(0);

  await system.queued(LANE, "b", "prioritized", "waiting");
  await system.startWorker();
  expect(await system.resultOf("b")).toMatchObject({ status: "succeeded", attempts: [{ attempt: 1 }] });
  expect(openai.calls).toHaveLength(2);
  await system.expectAccounted();
});

it("a stop after its grace aborts the calls: accounted, back in the lane, done by the next worker, one result", async () => {
  await using openai = await startRecordedServer(hang);
  await using system = await startSystem({ openai });
  const worker = await system.startWorker();
  const ids = ["a", "b", "c"];
  for (const id of ids) await system.producer.enqueue({ ...TWEET, id });
  await openai.seen(3);
  expect(await worker.stop({ graceMs: 0 })).toEqual({ aborted: 3 });
  await openai.idle();
  expect(openai.calls.map(({ state }) => state)).toEqual(["broken", "broken", "broken"]);
  for (const row of await system.expectAccounted()) {
    expect(row).toMatchObject({ outcome: "aborted", sent: "unknown", possiblyBilled: true });
    expect(row.costMicroUsd).toBeGreaterThan(0);
  }
  for (const id of ids) {
    expect(await system.producer.result(id)).toBeNull();
    const job = await system.queued(LANE, id, "waiting", "prioritized");
    expect(job.attemptsMade, "no attempt is spent").toBe(0);
  }

  openai.answerWith(completionAnswer());
  await system.startWorker();
  for (const id of ids) {
    const result = await system.resultOf(id);
    expect(result.attempts.map(({ outcome }) => outcome)).toEqual(["aborted", "succeeded"]);
  }
  expect(await system.expectAccounted()).toHaveLength(6);
});

it("a second signal ends the grace", async () => {
  await using openai = await startRecordedServer(hang);
  await using system = await startSystem({ openai });
  const worker = await system.startWorker();
  await system.producer.enqueue({ ...TWEET, id: "a" });
  await openai.seen(1);
  const force = new AbortController();
  const stopped = worker.stop({ graceMs: 600_000, force: force.signal });
  force.abort();
  expect(await stopped).toEqual({ aborted: 1 });
  await system.queued(LANE, "a", "waiting", "prioritized");
  await system.expectAccounted();
});

it("jobs that wait for a retry or for a provider do not hold a stop up, and keep their place", async () => {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const refusal = {
    response: { ...response, headers: { ...response.headers, "retry-after": "60" }, body: { error: {} } },
  };
  await using openai = await startRecordedServer(refusal);
  await using system = await startSystem({ openai });
  const worker = await system.startWorker();
  await system.producer.enqueue({ ...TWEET, id: "a" });
  await system.queued(LANE, "a", "delayed");
  expect(await worker.stop()).toEqual({ aborted: 0 });
  await system.queued(LANE, "a", "delayed");
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("stopping twice is stopping once", async () => {
  await using system = await startSystem();
  const worker = await system.startWorker();
  expect(await Promise.all([worker.stop(), worker.stop({ graceMs: 0 })])).toEqual([{ aborted: 0 }, { aborted: 0 }]);
});
