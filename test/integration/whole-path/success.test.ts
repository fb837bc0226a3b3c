import { afterEach, expect, it, vi } from "vitest";
import { createResultReader } from "../../../src/storage/result-reader.ts";
import { USAGE_DIMENSIONS, readUsage } from "../../../src/storage/usage-report.ts";
import { openNamespace, succeededRecord } from "../../support/attempts.ts";
import { ADA, startSystem } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../../support/recorded-server.ts";

afterEach(() => void vi.useRealTimers());

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 30,
  prompt_tokens_details: { cached_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 4 },
};

it("a job goes from enqueue to its result, its usage row and its counters with one call", async () => {
  await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first.", usage: USAGE }));
  await using system = await startSystem({ openai, grok: openai });
  await system.startWorker();
  const enqueued = await system.producer.enqueue({
    id: "42",
    kind: "tweet",
    agent: "ada",
    context: { topic: "looms" },
  });
  expect(enqueued).toEqual({ id: "42", lane: "openai~gpt-6-luna>grok~grok-4.3", status: "enqueued" });

  const usage = { inputTokens: 120, outputTokens: 30, cachedInputTokens: 20, reasoningTokens: 4, estimated: false };
  const result = await system.resultOf("42");
  expect(result).toMatchObject({
    ...{ status: "succeeded", id: "42", agentId: "ada", kind: "tweet", text: "Looms came first." },
    ...{ provider: "openai", model: "gpt-6-luna", finishReason: "stop", usage },
    attempts: [{ attempt: 1, provider: "openai", outcome: "succeeded", inputTokens: 120, outputTokens: 30 }],
  });
  // gpt-6-luna: 0.10 per million input tokens, 0.01 cached, 0.50 output: 100 · 0.10 + 20 · 0.01 + 30 · 0.50.
  expect(result.costMicroUsd).toBe(25.2);

  await system.expectAccounted();

  const [call] = openai.calls;
  expect(call).toMatchObject({ method: "POST", url: "/v1/chat/completions", body: { model: "gpt-6-luna" } });
  expect(systemPrompt(call)).toBe(ADA.custom_system_prompt);
  expect(userMessage(call)).toContain("looms");
});

it("every dimension of the usage report tells the same sums", async () => {
  await using openai = await startRecordedServer(completionAnswer({ usage: USAGE }));
  await using system = await startSystem({ openai });
  await system.startWorker();
  for (const id of ["a", "b", "c"]) await system.run({ id, kind: "tweet", agent: "nori", context: { topic: id } });
  await system.expectAccounted();
  const keys = { provider: "openai", model: "openai/gpt-6-luna", agent: "nori", kind: "tweet" };
  for (const by of USAGE_DIMENSIONS) {
    const rows = await readUsage(system.redis, system.namespace, { by, now: Date.now(), days: 2 });
    const sums = { requests: 3, failures: 0, inputTokens: 360, outputTokens: 90, totalTokens: 450, costMicroUsd: 75.6 };
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ ...sums, ...(by === "day" ? {} : { key: keys[by] }), unpriced: 0 });
  }
});

it("replies and content take the same path; content needs no agent", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  await system.startWorker();
  const reply = await system.run({
    ...{ kind: "reply", agent: "nori", mention: "Why copper pans?" },
    conversation_history: [{ author: "sam", text: "I burnt the jam." }],
  });
  expect(reply).toMatchObject({ status: "succeeded", kind: "reply", agentId: "nori" });
  const content = await system.run({
    kind: "content",
    prompt: "A haiku about rain",
    context: { audience: "children" },
  });
  expect(content).toMatchObject({ status: "succeeded", kind: "content", agentId: "default" });
  const [first, second] = openai.calls.map(({ bodyText }) => bodyText);
  expect(first).toContain("Why copper pans?");
  expect(first).toContain("I burnt the jam.");
  expect(second).toContain("A haiku about rain");
  expect(second).toContain("children");
});

it("rotating prompts take turns in the order of enqueueing", async () => {
  const prompts = ["You are a poet.", "You are a cook.", "You are a pilot."];
  const agent = { ...ADA, id: "many", rotating_system_prompts: prompts };
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai, grok: openai, agents: [agent] });
  const topics = ["t0", "t1", "t2", "t3", "t4"];
  for (const topic of topics)
    await system.producer.enqueue({ id: topic, kind: "tweet", agent: "many", context: { topic } });
  // The same job again takes no turn.
  await system.producer.enqueue({ id: "t0", kind: "tweet", agent: "many", context: { topic: "t0" } });
  await system.producer.enqueue({ id: "t5", kind: "tweet", agent: "many", context: { topic: "t5" } });
  await system.startWorker();
  await Promise.all([...topics, "t5"].map(system.resultOf));
  const promptOf = (topic: string): string | undefined =>
    systemPrompt(openai.calls.find((call) => userMessage(call).includes(topic)));
  const [poet, cook, pilot] = prompts;
  expect([...topics, "t5"].map(promptOf)).toEqual([poet, cook, pilot, poet, cook, pilot]);
});

it("a published result wakes whoever waits, without any polling", async () => {
  await using at = await openNamespace();
  // The reader's poll, its only interval, never comes.
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const reader = createResultReader(at.redis, at.namespace);
  try {
    const waits = [1, 2, 3].map(async () => await reader.wait("a", AbortSignal.timeout(20_000)));
    await expect.poll(async () => (await at.redis.pubsub("NUMSUB", at.keys.settledChannel))[1]).toBe(1);
    await at.redis.hset(at.keys.job("a"), "result", JSON.stringify(succeededRecord("a")));
    await at.redis.publish(at.keys.settledChannel, "a");
    expect(await Promise.all(waits)).toEqual([1, 2, 3].map(() => succeededRecord("a")));
    expect(await reader.wait("a", AbortSignal.timeout(20_000)), "it was there before").toEqual(succeededRecord("a"));
  } finally {
    reader.close();
  }
});

it("a result whose announcement was lost is found by polling, and an aborted wait ends", async () => {
  await using at = await openNamespace();
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const reader = createResultReader(at.redis, at.namespace);
  try {
    const wait = reader.wait("a", AbortSignal.timeout(20_000));
    const stop = new AbortController();
    const aborted = reader.wait("b", stop.signal);
    await expect.poll(async () => (await at.redis.pubsub("NUMSUB", at.keys.settledChannel))[1]).toBe(1);
    await at.redis.hset(at.keys.job("a"), "result", JSON.stringify(succeededRecord("a")));
    vi.advanceTimersByTime(2_000);
    expect(await wait).toEqual(succeededRecord("a"));
    stop.abort();
    expect(await aborted).toBeNull();
  } finally {
    reader.close();
  }
});

it("a wait that is aborted before it has begun to listen ends all the same", async () => {
  await using at = await openNamespace();
  const reader = createResultReader(at.redis, at.namespace);
  try {
    const stop = new AbortController();
    const wait = reader.wait("a", stop.signal);
    stop.abort();
    expect(await wait).toBeNull();
    expect(await reader.wait("a", stop.signal)).toBeNull();
  } finally {
    reader.close();
  }
});

it("a wait that is over gives null, and the job goes on", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai });
  const { id } = await system.producer.enqueue({ kind: "tweet", agent: "nori" });
  expect(await system.producer.result(id)).toBeNull();
  expect(await system.producer.result(id, { waitMs: 20 })).toBeNull();
  await system.startWorker();
  expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
});

function messagesOf(call: SeenCall | undefined): { role: string; content: string }[] {
  return (call?.body?.["messages"] ?? []) as { role: string; content: string }[];
}

function systemPrompt(call: SeenCall | undefined): string | undefined {
  return messagesOf(call).find(({ role }) => role === "system")?.content;
}

function userMessage(call: SeenCall | undefined): string {
  return messagesOf(call)
    .filter(({ role }) => role === "user")
    .map(({ content }) => content)
    .join("\n");
}
