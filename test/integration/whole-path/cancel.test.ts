import { expect, it } from "vitest";
import { startSystem } from "../../support/generation-system.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

const LANE = "openai~gpt-6-luna";
const TWEET = { id: "a", kind: "tweet", agent: "nori" } as const;

it("before any worker has it: it has its record at once, and is never called for", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  expect(await system.producer.cancel("a")).toBe("cancelled");
  const reason = "cancelled before a provider was called";
  expect(await system.producer.result("a")).toMatchObject({ status: "cancelled", reason, attempts: [] });
  await system.startWorker();
  const job = await system.queued(LANE, "a", "completed");
  expect(job.returnvalue).toEqual({ status: "cancelled" });
  expect(openai.calls).toHaveLength(0);
  expect(await system.expectAccounted()).toEqual([]);
});

it("during a call: the HTTP call is broken off, and the result is cancelled and possibly billed", async () => {
  await using openai = await startRecordedServer(hang);
  await using system = await startSystem({ openai });
  await system.startWorker();
  await system.producer.enqueue(TWEET);
  await openai.seen(1);
  expect(await system.producer.cancel("a")).toBe("cancelling");
  const result = await system.resultOf("a");
  expect(result).toMatchObject({
    status: "cancelled",
    reason: "cancelled during a call",
    attempts: [{ outcome: "aborted" }],
  });
  await openai.idle();
  expect(openai.calls.map(({ state }) => state)).toEqual(["broken"]);
  const [row] = await system.expectAccounted();
  expect(row).toMatchObject({ outcome: "aborted", sent: "unknown", possiblyBilled: true });
  expect(result.costMicroUsd).toBe(row?.costMicroUsd);
  await system.queued(LANE, "a", "completed");
  expect(await system.producer.cancel("a")).toBe("settled");
});

it("during a call: the other calls of the same worker go on", async () => {
  await using openai = await startRecordedServer(hang);
  await using system = await startSystem({ openai });
  await system.startWorker();
  await system.producer.enqueue(TWEET);
  await openai.seen(1);
  const answer = Promise.withResolvers<void>();
  openai.answerWith(async () => {
    await answer.promise;
    return completionAnswer();
  });
  await system.producer.enqueue({ ...TWEET, id: "b" });
  await openai.seen(2);
  await system.producer.cancel("a");
  expect(await system.resultOf("a")).toMatchObject({ status: "cancelled" });
  answer.resolve();
  expect(await system.resultOf("b")).toMatchObject({ status: "succeeded" });
});

it("during calls of several workers: each hears of its own", async () => {
  await using openai = await startRecordedServer(hang);
  await using system = await startSystem({ openai });
  await Promise.all([system.startWorker(), system.startWorker(), system.startWorker()]);
  const ids = ["a", "b", "c", "d"];
  for (const id of ids) await system.producer.enqueue({ ...TWEET, id });
  await openai.seen(ids.length);
  await Promise.all(ids.map(async (id) => expect(await system.producer.cancel(id)).toBe("cancelling")));
  for (const id of ids) expect(await system.resultOf(id)).toMatchObject({ status: "cancelled" });
  await system.expectAccounted();
});

it("while it waits for a retry: it has its record at once, with the attempt that was made, and is not called for again", async () => {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const refusal = {
    response: { ...response, headers: { ...response.headers, "retry-after": "1" }, body: { error: {} } },
  };
  await using openai = await startRecordedServer(refusal, completionAnswer());
  await using system = await startSystem({ openai });
  await system.startWorker();
  await system.producer.enqueue(TWEET);
  await system.queued(LANE, "a", "delayed");
  expect(await system.producer.cancel("a")).toBe("cancelled");
  expect(await system.producer.result("a")).toMatchObject({
    ...{ status: "cancelled", reason: "cancelled while it waited", attempts: [{ outcome: "rate-limited" }] },
  });
  await system.queued(LANE, "a", "completed");
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("a finished job stays as it is; an unknown one is told so", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run(TWEET);
  expect(await system.producer.cancel("a")).toBe("settled");
  expect(await system.producer.result("a")).toEqual(result);
  expect(await system.producer.cancel("nobody")).toBe("unknown");
});
