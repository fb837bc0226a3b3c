import { describe, expect, it } from "vitest";
import { readUsage } from "../../../src/storage/usage-report.ts";
import { ADA, startSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../../support/recorded-server.ts";

const SERVER_ERROR = recordedAnswer("openai/500-server-error.json");
const QUESTION = { kind: "content", prompt: "What is a loom?", agent: "nori", cache: true } as const;
const NOTHING_USED = { inputTokens: 0, outputTokens: 0 };

/** Every answer is another one. */
async function startNumberingServer(): Promise<RecordedServer> {
  return await startRecordedServer(({ index }) => completionAnswer({ text: `Answer number ${index + 1}.` }));
}

describe("an earlier answer", () => {
  it("is given to the same request, costs nothing, is marked and counted", async () => {
    await using openai = await startNumberingServer();
    await using system = await startSystem({ openai });
    await system.startWorker();
    await system.run({ ...QUESTION, id: "a" });
    const result = await system.run({ ...QUESTION, id: "b" });
    expect(result).toMatchObject({
      ...{ status: "succeeded", text: "Answer number 1.", cache: "hit", costMicroUsd: 0, usage: NOTHING_USED },
      ...{ provider: "openai", model: "gpt-6-luna", attempts: [] },
    });
    expect(await system.resultOf("a")).not.toHaveProperty("cache");
    expect(openai.calls).toHaveLength(1);
    await system.expectAccounted();
    for (const [by, key] of [
      ["provider", "openai"],
      ["kind", "content"],
      ["agent", "nori"],
    ] as const) {
      const rows = await readUsage(system.redis, system.namespace, { by, now: Date.now(), days: 2 });
      expect(rows).toEqual([expect.objectContaining({ key, requests: 1, cacheHits: 1 })]);
    }
  });

  it.each([
    ["another prompt", { prompt: "What is a spindle?" }],
    ["another context", { context: { audience: "children" } }],
    ["another agent", { agent: "ada" }],
    ["a job that does not want one", { cache: false }],
    ["a job that does not say so", { cache: undefined }],
  ])("is not given to %s", async (_, difference) => {
    await using openai = await startNumberingServer();
    await using system = await startSystem({ openai, grok: openai });
    await system.startWorker();
    await system.run(QUESTION);
    const result = await system.run({ ...QUESTION, ...difference });
    expect(result).toMatchObject({ status: "succeeded", text: "Answer number 2." });
    expect(result).not.toHaveProperty("cache");
  });

  it("is not given when other settings would have shaped it", async () => {
    await using openai = await startNumberingServer();
    await using system = await startSystem({ openai, grok: openai });
    await system.startWorker();
    await system.run({ ...QUESTION, agent: "ada" });
    const warmer = system.producerOf([{ ...ADA, llm_config: { ...ADA.llm_config, temperature: 1.1 } }]);
    const { id } = await warmer.enqueue({ ...QUESTION, agent: "ada" });
    expect(await system.resultOf(id)).toMatchObject({ text: "Answer number 2." });
  });

  it("is forgotten after its time", async () => {
    await using openai = await startNumberingServer();
    await using system = await startSystem({ openai });
    await system.startWorker();
    await system.run(QUESTION);
    const [key = ""] = await system.redis.keys(system.keys.cachedText("*", "*").replace(/[{}]/g, "\\$&"));
    expect(await system.redis.pttl(key)).toBeGreaterThan(86_000_000);
    const stored = JSON.parse((await system.redis.get(key)) ?? "") as object;
    await system.redis.set(key, JSON.stringify({ ...stored, freshUntil: Date.now() - 1 }));
    expect(await system.run(QUESTION)).toMatchObject({ text: "Answer number 2." });
  });

  it("of agents that ask for it is given to content alone, or to the kinds that they name", async () => {
    const cached = { ...ADA, id: "cached", cache: true };
    const repeating = { ...ADA, id: "repeating", cache: { kinds: ["tweet"], ttl_seconds: 60 } };
    await using openai = await startNumberingServer();
    await using system = await startSystem({ openai, grok: openai, agents: [cached, repeating] });
    await system.startWorker();
    const usesOf = async (input: object): Promise<unknown> => {
      await system.run(input as typeof QUESTION);
      const result = await system.run(input as typeof QUESTION);
      return result.status === "succeeded" ? (result.cache ?? "written") : result.status;
    };
    expect(await usesOf({ kind: "content", prompt: "x", agent: "cached" })).toBe("hit");
    expect(await usesOf({ kind: "tweet", agent: "cached" })).toBe("written");
    expect(await usesOf({ kind: "tweet", agent: "repeating" })).toBe("hit");
    expect(await usesOf({ kind: "content", prompt: "x", agent: "repeating" })).toBe("written");
  });
});

describe("identical requests of the same time", () => {
  it("share one call", async () => {
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    await using openai = await startRecordedServer(async () => {
      isAsked();
      await mayAnswer;
      return completionAnswer({ text: "The only answer." });
    });
    await using system = await startSystem({ openai });
    await system.startWorker();
    const ids = Array.from({ length: 8 }, (_, index) => `same-${index}`);
    for (const id of ids) await system.producer.enqueue({ ...QUESTION, id });
    await asked;
    for (const id of ids.slice(1)) await system.queued("openai~gpt-6-luna", id, "delayed", "prioritized");
    answer();
    const results = await Promise.all(ids.map((id) => system.resultOf(id)));
    const uses = results.map((result) => (result.status === "succeeded" ? (result.cache ?? "written") : "failed"));
    expect(uses.toSorted()).toEqual([...Array.from({ length: 7 }, () => "shared"), "written"]);
    expect(openai.calls).toHaveLength(1);
    await system.expectAccounted();
  });

  it("do not fail with the one that leads: the next one asks itself", async () => {
    await using openai = await startRecordedServer(
      recordedAnswer("openai/400-invalid-type.json"),
      completionAnswer({ text: "Better." }),
    );
    await using system = await startSystem({ openai });
    await system.startWorker({ concurrency: 1 });
    for (const id of ["a", "b", "c"]) await system.producer.enqueue({ ...QUESTION, id });
    const statuses = await Promise.all(["a", "b", "c"].map(async (id) => (await system.resultOf(id)).status));
    expect(statuses.toSorted()).toEqual(["failed", "succeeded", "succeeded"]);
    expect(openai.calls).toHaveLength(2);
    await system.expectAccounted();
  });
});

describe("when every provider fails", () => {
  const settings = (serveStaleSeconds: number) => ({ cache: { ttlSeconds: 1, serveStaleSeconds } });

  it.each([
    ["an answer past its time is given and marked, if so configured", 3600, { status: "succeeded", cache: "stale" }],
    ["none is given otherwise", 0, { status: "failed" }],
  ])("%s", async (_, serveStaleSeconds, expected) => {
    await using openai = await startRecordedServer(completionAnswer({ text: "From better days." }), SERVER_ERROR);
    await using system = await startSystem({ openai, settings: settings(serveStaleSeconds) });
    await system.startWorker();
    await system.run(QUESTION);
    const [key = ""] = await system.redis.keys(system.keys.cachedText("*", "*").replace(/[{}]/g, "\\$&"));
    const stored = JSON.parse((await system.redis.get(key)) ?? "null") as object | null;
    if (stored !== null) await system.redis.set(key, JSON.stringify({ ...stored, freshUntil: Date.now() - 1 }));
    const result = await system.run(QUESTION);
    expect(result).toMatchObject({ ...expected, attempts: [{}, {}, {}], costMicroUsd: 0 });
    await system.expectAccounted();
  });
});
