import { expect, it } from "vitest";
import { JOB_VERSION } from "../../../src/job/generation-job.ts";
import { JOB_NAME } from "../../../src/queue/job-codec.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

/* What a worker finds in its queue although no producer of this version has put it there. */

const LANE = "openai~gpt-6-luna";
const TWEET = { id: "a", kind: "tweet", agent: "nori" } as const;

/** Enqueues a job and changes what stands in the queue before a worker sees it. */
async function tamper(system: GenerationSystem, change: (data: Record<string, unknown>) => unknown): Promise<void> {
  await system.producer.enqueue(TWEET);
  const job = await system.queued(LANE, "a", "prioritized", "waiting");
  const data = change(job.data as Record<string, unknown>);
  await job.remove();
  await system.lane(LANE).add(JOB_NAME, data, { jobId: "j_a" });
}

it("a job of a newer schema is parked: neither failed nor dropped, and called for by nobody here", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const data = { version: JOB_VERSION + 1, id: "a", whatever: "a newer producer says" };
  await tamper(system, () => data);
  await system.startWorker();
  const parked = await system.queued(LANE, "a", "delayed");
  expect(parked.data).toEqual(data);
  expect(parked.attemptsMade).toBe(0);
  expect(await system.producer.result("a")).toBeNull();
  expect(system.logs).toContainEqual(
    expect.objectContaining({ jobId: "a", version: JOB_VERSION + 1, msg: expect.stringMatching(/^parked/) }),
  );
  expect(openai.calls).toHaveLength(0);
});

it.each([
  ["no object", () => "hello", "the queued job is invalid"],
  ["nothing", () => null, "the queued job is invalid"],
  ["another version", (data) => ({ ...data, version: 0 }), "version"],
  ["an empty prompt", (data) => ({ ...data, input: { kind: "content", prompt: "", context: {} } }), "input.prompt"],
  ["a snapshot that is no hash", (data) => ({ ...data, snapshot: "../../etc" }), "snapshot"],
  ["a key", (data) => ({ ...data, input: { kind: "tweet", context: { api_key: "x" } } }), "input.context"],
] satisfies [string, (data: Record<string, unknown>) => unknown, string][])(
  "invalid data (%s) ends the job with a record that says what is wrong, and without a call",
  async (_, change, reason) => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await tamper(system, change);
    await system.startWorker();
    const result = await system.resultOf("a");
    expect(result).toMatchObject({ status: "failed", id: "a", attempts: [], costMicroUsd: 0 });
    expect(result.status === "failed" && result.reason).toContain(reason);
    const job = await system.queued(LANE, "a", "failed");
    expect(job.attemptsMade).toBe(1);
    expect(openai.calls).toHaveLength(0);
    expect(await system.expectAccounted()).toEqual([]);
  },
);

it("an oversized payload is refused at the worker as well", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const prompt = "x".repeat(300 * 1024);
  await tamper(system, (data) => ({ ...data, input: { kind: "content", prompt, context: {} } }));
  await system.startWorker();
  const reason = expect.stringMatching(/at most 262144 bytes/) as string;
  expect(await system.resultOf("a")).toMatchObject({ status: "failed", reason, attempts: [] });
  expect(openai.calls).toHaveLength(0);
});

it("what a producer accepts is never too large for a worker, although it takes more room in the queue", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const conversation_history = Array.from({ length: 65_000 }, () => "a");
  const result = await system.run({ kind: "reply", agent: "nori", mention: "b".repeat(2_000), conversation_history });
  expect(result.status).toBe("succeeded");
});

it("a job whose agent is gone ends with a record that says so", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const keys = await system.redis.keys(`{${system.namespace}}:agent:*`);
  expect(keys).toHaveLength(1);
  await system.redis.del(...keys);
  await system.startWorker();
  const result = await system.resultOf("a");
  expect(result.status === "failed" && result.reason).toMatch(/^its agent snapshot [0-9a-f]{32} is gone$/);
  expect(openai.calls).toHaveLength(0);
});

it.each([
  ["no JSON", "{not json"],
  ["no agent", '{"id":"nori"}'],
])("a job whose agent is damaged (%s) ends with a record, and does not run for ever", async (_, json) => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  const [key = ""] = await system.redis.keys(`{${system.namespace}}:agent:*`);
  await system.redis.set(key, json);
  await system.startWorker();
  const reason = expect.stringMatching(/^unexpected \w*Error: /) as string;
  expect(await system.resultOf("a")).toMatchObject({ status: "failed", reason, attempts: [] });
  const job = await system.queued(LANE, "a", "failed");
  expect(job.attemptsMade).toBe(1);
  expect(openai.calls).toHaveLength(0);
});

it("an error of Redis ends no job: it waits, without spending an attempt", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.producer.enqueue(TWEET);
  await system.redis.set(system.keys.job("a"), "not a hash");
  await system.startWorker();
  expect((await system.queued(LANE, "a", "delayed")).attemptsMade).toBe(0);
  expect(system.logs).toContainEqual(
    expect.objectContaining({ jobId: "a", msg: "Redis refuses a command; the job is tried again" }),
  );
  expect(openai.calls).toHaveLength(0);
});

it("a job that was added without an id of ours does no harm to the job that has its number", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const stranger = await system.lane(LANE).add(JOB_NAME, { hello: "Bull Board" });
  const id = stranger.id ?? "";
  expect(id).toMatch(/^\d+$/);
  await system.producer.enqueue({ ...TWEET, id });
  await system.startWorker();
  expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
  await expect.poll(async () => await stranger.getState()).toBe("failed");
});
