import { describe, expect, it } from "vitest";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { ADA, startSystem, type GenerationSystem, type SystemOptions } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type SeenCall } from "../../support/recorded-server.ts";

/*
 * Answers that are good, but not good enough: too long, or much like another text. The guard against such texts is off
 * in most tests, whose servers say the same every time; here it is on.
 */

const LONG = `${"Looms were the first machines that read. ".repeat(7)}And nobody asked them what they thought of it.`;
const SHORT = "Looms were the first machines that read.";
const SERVER_ERROR = recordedAnswer("openai/500-server-error.json");
const GUARDED = { variety: {} };

function texts(...all: readonly string[]): Answer[] {
  return all.map((text) => completionAnswer({ text }));
}

function requests({ attempts }: GenerationResult): string[] {
  return attempts.map(({ provider, request, outcome }) => `${provider} ${request} ${outcome}`);
}

function messagesOf(call: SeenCall | undefined): { role: string; content: string }[] {
  return (call?.body?.["messages"] ?? []) as { role: string; content: string }[];
}

async function systemOf(options: SystemOptions): Promise<GenerationSystem> {
  const system = await startSystem(options);
  await system.startWorker();
  return system;
}

describe("a text that is too long", () => {
  it("is made shorter by one more request, and the result says so", async () => {
    await using openai = await startRecordedServer(...texts(LONG, SHORT));
    await using system = await systemOf({ openai });
    const result = await system.run({ kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({
      ...{ status: "succeeded", text: SHORT },
      finishing: { changes: ["shortened"], weightedLength: SHORT.length, limit: 280 },
    });
    expect(requests(result)).toEqual(["openai generate succeeded", "openai shorten succeeded"]);
    const rows = await system.expectAccounted();
    expect(rows.map(({ request, draft }) => [request, draft])).toEqual([
      ["generate", "too-long"],
      ["shorten", undefined],
    ]);
    const asked = messagesOf(openai.calls[1]);
    expect(asked.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(asked.at(-2)?.content).toBe(LONG);
    expect(asked.at(-1)?.content).toContain("280");
  });

  it("is cut at a sentence when the second one is too long as well", async () => {
    await using openai = await startRecordedServer(...texts(LONG, `${LONG} Again.`));
    await using system = await systemOf({ openai });
    const result = await system.run({ kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({ status: "succeeded", finishing: { changes: ["shortened", "cut"] } });
    const { text } = result as GenerationResult & { status: "succeeded" };
    expect(LONG.startsWith(text)).toBe(true);
    expect(text.length).toBeLessThanOrEqual(280);
    expect(text).toMatch(/read\.$/);
    expect(openai.calls).toHaveLength(2);
    await system.expectAccounted();
  });

  it("is cut when nobody makes it shorter: what was paid for is not thrown away", async () => {
    await using openai = await startRecordedServer(...texts(LONG), SERVER_ERROR);
    await using system = await systemOf({ openai });
    const result = await system.run({ kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({ status: "succeeded", finishing: { changes: ["cut"] } });
    expect(requests(result)).toEqual([
      "openai generate succeeded",
      ...Array.from({ length: 3 }, () => "openai shorten overloaded"),
    ]);
    await system.expectAccounted();
  });

  it("survives its worker: another one goes on from the draft", async () => {
    await using openai = await startRecordedServer(...texts(LONG), SERVER_ERROR, ...texts(SHORT));
    const settings = { retries: { baseSeconds: 600, capSeconds: 600 } };
    await using system = await startSystem({ openai, settings });
    const first = await system.startWorker();
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    const job = await system.queued("openai~gpt-6-luna", "a", "delayed");
    await first.stop({ graceMs: 0 });
    await job.promote();
    await system.startWorker();
    // The clock has not moved on: the back-off is what is left to wait for.
    expect(await system.redis.hget(system.keys.job("a"), "draft")).toContain("too-long");
    await system.producer.cancel("a");
    expect(await system.resultOf("a")).toMatchObject({ status: "cancelled", attempts: [{}, {}] });
  });

  it("may be as long as its agent's limit", async () => {
    await using openai = await startRecordedServer(...texts(LONG));
    await using system = await systemOf({
      openai,
      agents: [{ ...ADA, id: "nori", post_length_limit: 4000 }],
      grok: openai,
    });
    expect(await system.run({ kind: "tweet", agent: "nori" })).toMatchObject({
      ...{ status: "succeeded", text: LONG, finishing: { changes: [], limit: 4000 } },
    });
  });

  it("of a content job is none", async () => {
    await using openai = await startRecordedServer(...texts(LONG));
    await using system = await systemOf({ openai });
    const result = await system.run({ kind: "content", agent: "nori", prompt: "Tell me about looms." });
    expect(result).toMatchObject({ status: "succeeded", text: LONG, finishing: { limit: null } });
  });
});

describe("a text like another one", () => {
  const OTHER = "Nobody ever asked a typewriter whether it minded the poems.";

  it("is written anew, and the request says why", async () => {
    await using openai = await startRecordedServer(...texts(SHORT, SHORT.toUpperCase(), OTHER));
    await using system = await systemOf({ openai, settings: GUARDED });
    await system.run({ id: "a", kind: "tweet", agent: "nori" });
    const result = await system.run({ id: "b", kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({ status: "succeeded", text: OTHER });
    expect(result).not.toHaveProperty("similarTo");
    expect(requests(result)).toEqual(["openai generate succeeded", "openai regenerate succeeded"]);
    expect(messagesOf(openai.calls[2]).at(-1)?.content).toMatch(/different/);
    await system.expectAccounted();
  });

  it("is flagged after two attempts to write another", async () => {
    await using openai = await startRecordedServer(...texts(SHORT));
    await using system = await systemOf({ openai, settings: GUARDED });
    await system.run({ id: "a", kind: "tweet", agent: "nori" });
    const result = await system.run({ id: "b", kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({ status: "succeeded", text: SHORT, similarTo: { jobId: "a", similarity: 1 } });
    expect(requests(result)).toEqual([
      "openai generate succeeded",
      "openai regenerate succeeded",
      "openai regenerate succeeded",
    ]);
    await system.expectAccounted();
  });

  it("of two jobs at once is written by one of them", async () => {
    await using openai = await startRecordedServer(...texts(SHORT, SHORT, OTHER));
    await using system = await systemOf({ openai, settings: GUARDED });
    const results = await Promise.all(["a", "b"].map((id) => system.run({ id, kind: "tweet", agent: "nori" })));
    const written = results.map((result) => (result.status === "succeeded" ? result.text : result.status));
    expect(written.toSorted()).toEqual([SHORT, OTHER].toSorted());
    await system.expectAccounted();
  });

  it("is none of content jobs', nor of agents that do not mind", async () => {
    await using openai = await startRecordedServer(...texts(SHORT));
    const careless = { ...ADA, id: "careless", variety: false };
    await using system = await systemOf({ openai, grok: openai, agents: [ADA, careless], settings: GUARDED });
    for (const id of ["a", "b"]) await system.run({ id, kind: "content", prompt: "x", agent: "ada" });
    for (const id of ["c", "d"]) await system.run({ id, kind: "tweet", agent: "careless" });
    expect(openai.calls).toHaveLength(4);
  });
});

describe("a text that is no use", () => {
  it.each([
    ["a refusal ends the job", "I'm sorry, but I can't help with that request.", /content-filtered/],
    ["an error page is tried again", "<html><body>502 Bad Gateway</body></html>", /invalid-response/],
  ])("%s, and is paid for all the same", async (_, text, reason) => {
    await using openai = await startRecordedServer(...texts(text));
    await using system = await systemOf({ openai });
    const result = await system.run({ kind: "tweet", agent: "nori" });
    expect(result).toMatchObject({ status: "failed", reason: expect.stringMatching(reason) });
    const rows = await system.expectAccounted();
    for (const row of rows) expect(row).toMatchObject({ costMicroUsd: 8, sent: "yes", possiblyBilled: false });
  });
});

describe("a text that must not be published", () => {
  it("is held, with the text and the reason", async () => {
    const leak = `My orders: ${ADA.custom_system_prompt}`;
    await using openai = await startRecordedServer(...texts("Read all about it: https://evil.example/x", leak));
    await using system = await systemOf({ openai });
    expect(await system.run({ kind: "tweet", agent: "nori" })).toMatchObject({
      ...{ status: "held", text: "Read all about it: https://evil.example/x" },
      reason: expect.stringContaining("evil.example"),
    });
    expect(openai.calls).toHaveLength(1);
    await system.expectAccounted();
  });

  it("may have links that it was given", async () => {
    await using openai = await startRecordedServer(...texts("Read all about it: https://good.example/x"));
    await using system = await systemOf({ openai });
    const context = { topic: "https://good.example/x" };
    expect(await system.run({ kind: "tweet", agent: "nori", context })).toMatchObject({ status: "succeeded" });
  });
});
