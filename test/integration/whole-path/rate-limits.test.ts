import { expect, it } from "vitest";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

const LANE = "openai~gpt-6-luna>grok~grok-4.3";
const OUT_OF_MONEY = recordedAnswer("openai/429-insufficient-quota.json");

/** OpenAI's answer, with the wait that a test can afford. */
function rateLimited(headers: Readonly<Record<string, string>>): RecordedAnswer {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const body = { error: { message: "Rate limit reached for requests", type: "requests", code: "rate_limit_exceeded" } };
  return { response: { ...response, headers: { ...response.headers, ...headers }, body } };
}

async function hasRows(system: GenerationSystem, count: number): Promise<void> {
  await expect.poll(async () => (await system.rows()).length, { timeout: 10_000 }).toBe(count);
}

it("a worker that starts during the pause does not call into it either", async () => {
  await using openai = await startRecordedServer(rateLimited({ "retry-after": "1" }), completionAnswer());
  await using system = await startSystem({ openai });
  await system.producer.enqueue({ id: "first", kind: "tweet", agent: "nori" });
  const first = await system.startWorker();
  await hasRows(system, 1);
  await first.stop();
  await system.producer.enqueue({ id: "second", kind: "tweet", agent: "nori" });
  await system.startWorker();
  await Promise.all(["first", "second"].map(system.resultOf));
  const [refused, ...others] = openai.calls;
  expect(others).toHaveLength(2);
  for (const { at } of others) expect(at).toBeGreaterThanOrEqual((refused?.at ?? 0) + 1000);
  await system.expectAccounted();
});

it.each([
  ["without any word about when", {}],
  ["with Retry-After: 0", { "retry-after": "0" }],
])("429 %s is a failure: it spends attempts, then fails over", async (_, headers) => {
  await using openai = await startRecordedServer(rateLimited(headers));
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  expect(await system.run({ kind: "tweet", agent: "ada" })).toMatchObject({ status: "succeeded", provider: "grok" });
  expect([openai.calls.length, grok.calls.length]).toEqual([3, 1]);
  await system.expectAccounted();
});

it("a wait that is longer than the job may wait fails over at once", async () => {
  await using openai = await startRecordedServer(rateLimited({ "retry-after": "3600" }));
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok, settings: { maxWaitSeconds: { scheduled: 60 } } });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(result).toMatchObject({ status: "succeeded", provider: "grok" });
  expect(await system.run({ kind: "tweet", agent: "ada" })).toMatchObject({ provider: "grok" });
  expect([openai.calls.length, grok.calls.length]).toEqual([1, 2]);
  await system.expectAccounted();
});

it("without a fall-back a wait that is too long ends the job as expired, and says until when it would be", async () => {
  await using openai = await startRecordedServer(rateLimited({ "retry-after": "3600" }));
  await using system = await startSystem({ openai, settings: { maxWaitSeconds: { reply: 60 } } });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "nori", urgency: "reply" });
  expect(result).toMatchObject({ status: "expired", attempts: [{ outcome: "rate-limited" }] });
  expect(result.status === "expired" && result.reason).toMatch(
    /^openai\/gpt-6-luna: rate-limited until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  );
  expect(openai.calls).toHaveLength(1);
  await system.expectAccounted();
});

it("out of money: one call, one fail-over, an alert; the next jobs go straight to the fall-back", async () => {
  await using openai = await startRecordedServer(OUT_OF_MONEY);
  await using grok = await startRecordedServer(completionAnswer({ text: "From Grok.", model: "grok-4.3" }));
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const first = await system.run({ id: "first", kind: "tweet", agent: "ada" });
  expect(first).toMatchObject({ status: "succeeded", provider: "grok", model: "grok-4.3", text: "From Grok." });
  expect(first.attempts.map(({ provider, outcome }) => [provider, outcome])).toEqual([
    ["openai", "quota-exhausted"],
    ["grok", "succeeded"],
  ]);
  const next = await Promise.all(["b", "c"].map(async (id) => await system.run({ id, kind: "tweet", agent: "ada" })));
  for (const { attempts } of next) expect(attempts.map(({ provider }) => provider)).toEqual(["grok"]);
  expect([openai.calls.length, grok.calls.length]).toEqual([1, 3]);

  const alerts = system.logs.filter((line) => line["alert"] === true);
  expect(alerts).toMatchObject([{ jobId: "first", provider: "openai", outcome: "quota-exhausted", status: 429 }]);
  const [, ttl] = await Promise.all([system.expectAccounted(), pausedFor(system)]);
  // Five minutes by default.
  expect(ttl).toBeGreaterThan(200_000);
});

it("a whole chain that is out of money keeps its jobs waiting, without further calls", async () => {
  await using openai = await startRecordedServer(OUT_OF_MONEY);
  await using grok = await startRecordedServer(recordedAnswer("grok/429-credits-exhausted.json"));
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const first = await system.run({ id: "first", kind: "tweet", agent: "ada" });
  expect(first, "it has tried everything itself").toMatchObject({ status: "failed" });
  await system.producer.enqueue({ id: "second", kind: "tweet", agent: "ada" });
  const waiting = await system.queued(LANE, "second", "delayed");
  expect(waiting.attemptsMade, "a wait spends no attempt").toBe(0);
  expect([openai.calls.length, grok.calls.length]).toEqual([1, 1]);
  expect(await system.producer.result("second")).toBeNull();
  await system.expectAccounted();
});

it("a pause ends by itself: the job goes on with the provider that it waited for", async () => {
  await using openai = await startRecordedServer(OUT_OF_MONEY, completionAnswer());
  await using system = await startSystem({ openai, settings: { pauseSeconds: 1 } });
  await system.startWorker();
  expect(await system.run({ id: "first", kind: "tweet", agent: "nori" })).toMatchObject({ status: "failed" });
  const second = await system.run({ id: "second", kind: "tweet", agent: "nori" });
  expect(second).toMatchObject({ status: "succeeded", attempts: [{ outcome: "succeeded" }] });
  const [refused, answered] = openai.calls;
  expect(answered?.at).toBeGreaterThanOrEqual((refused?.at ?? 0) + 1000);
  await system.expectAccounted();
});

/** How long OpenAI's key is left alone, in ms. */
async function pausedFor({ redis, namespace }: GenerationSystem): Promise<number> {
  const [key = ""] = await redis.keys(`{${namespace}}:key:openai#*`);
  return Number(await redis.hget(key, "pausedUntil")) - Date.now();
}
