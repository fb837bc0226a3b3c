import { describe, expect, it } from "vitest";
import { assembleContent } from "../../../../src/providers/gemini/assemble-content.ts";
import { convertUsage, finishReason, readContent } from "../../../../src/providers/gemini/read-content.ts";
import type { FinishReason } from "../../../../src/providers/provider.ts";
import { recordedAnswer } from "../../../support/recorded-answers.ts";

describe("finishReason", () => {
  it.each<[string | null, FinishReason]>([
    ["STOP", "stop"],
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content-filter"],
    ["RECITATION", "content-filter"],
    ["PROHIBITED_CONTENT", "content-filter"],
    ["BLOCKLIST", "content-filter"],
    ["SPII", "content-filter"],
    ["LANGUAGE", "content-filter"],
    ["IMAGE_SAFETY", "content-filter"],
    ["OTHER", "other"],
    ["MALFORMED_RESPONSE", "other"],
    ["stop", "other"],
    [null, "other"],
  ])("%s is %s", (raw, expected) => {
    expect(finishReason(raw)).toBe(expected);
  });
});

describe("convertUsage", () => {
  it("takes cached tokens for a part of the prompt, and thoughts for output beside the text", () => {
    const { body } = recordedAnswer("gemini/200-usage-cached-and-thoughts.json").response;
    const { usage } = readContent(body) ?? {};

    expect(usage).toMatchObject({
      inputTokens: 14_208,
      cachedInputTokens: 12_158,
      outputTokens: 69 + 595,
      reasoningTokens: 595,
      estimated: false,
    });
    expect((usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), "Google's own total").toBe(14_872);
  });

  it("never takes more for cached than the prompt has", () => {
    const usage = convertUsage({ promptTokenCount: 10, cachedContentTokenCount: 50, candidatesTokenCount: 5 });
    expect(usage).toMatchObject({ inputTokens: 10, cachedInputTokens: 10, outputTokens: 5 });
  });

  it("counts what tools put into the prompt", () => {
    const raw = { promptTokenCount: 10, toolUsePromptTokenCount: 5, candidatesTokenCount: 2 };
    expect(convertUsage(raw)).toMatchObject({ inputTokens: 15, outputTokens: 2, reasoningTokens: 0, raw });
  });

  it.each([[undefined], [null], ["text"], [{}], [{ promptTokenCount: -1 }], [{ candidatesTokenCount: 5 }]])(
    "%j says nothing",
    (raw) => {
      expect(convertUsage(raw)).toBeNull();
    },
  );
});

describe("readContent", () => {
  const answer = (...parts: unknown[]) => ({ candidates: [{ content: { parts }, finishReason: "STOP" }] });

  it("joins the parts of the text, without thoughts and whatever else there is", () => {
    const parts = [
      { text: "Let me think.", thought: true },
      { text: "One, " },
      { inlineData: {} },
      null,
      { text: "two." },
    ];
    expect(readContent(answer(...parts))?.outcome).toEqual({ text: "One, two." });
  });

  it("keeps a text that was cut, and why", () => {
    const read = readContent(recordedAnswer("gemini/200-max-tokens-cut-text.json").response.body);
    expect(read).toMatchObject({
      outcome: { text: "The capital of France is" },
      finishReason: "length",
      rawFinishReason: "MAX_TOKENS",
    });
  });

  it("takes thoughts alone for no text", () => {
    expect(readContent(answer({ text: "Hm.", thought: true }))?.outcome).toEqual({
      kind: "invalid-response",
      message: "an empty text, finish reason STOP",
    });
  });

  it("gives no text to anybody that a filter cut into", () => {
    const body = { candidates: [{ content: { parts: [{ text: "half a" }] }, finishReason: "SAFETY" }] };
    expect(readContent(body)?.outcome).toMatchObject({ kind: "content-filtered" });
  });

  it("tells why a prompt was blocked", () => {
    const read = readContent({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 9 } });
    expect(read).toMatchObject({
      outcome: { kind: "content-filtered", message: "the prompt was blocked (SAFETY)" },
      finishReason: "content-filter",
      rawFinishReason: "SAFETY",
      usage: { inputTokens: 9, outputTokens: 0 },
    });
  });

  it("says what a body says that is no answer", () => {
    expect(readContent({ error: { message: "no capacity" } })?.outcome).toEqual({
      kind: "invalid-response",
      message: "a completion without candidates: no capacity",
    });
    expect(readContent({ candidates: "none" })?.outcome).toMatchObject({ message: "a completion without candidates" });
    expect(readContent("text")).toBeNull();
  });
});

describe("assembleContent", () => {
  const chunk = (text: string, rest = {}) => ({ candidates: [{ content: { parts: [{ text }] }, ...rest }] });

  it("has the text so far, and no whole before a finish reason", () => {
    const stream = assembleContent();
    stream.push(chunk("a", { finishReason: null }));
    stream.push({ candidates: [{ content: { parts: [{ text: "no", thought: true }] } }] });
    expect([stream.text(), stream.whole()]).toEqual(["a", null]);
    stream.push(chunk("b", { finishReason: "STOP" }));
    expect(readContent(stream.whole())).toMatchObject({ outcome: { text: "ab" }, rawFinishReason: "STOP" });
  });

  it("takes the last usage that it was told, also after the end", () => {
    const stream = assembleContent();
    stream.push({ ...chunk("a"), usageMetadata: { promptTokenCount: 4 }, responseId: "r", modelVersion: "m" });
    stream.push(chunk("b", { finishReason: "STOP" }));
    stream.push({ usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 2 } });
    stream.push("noise");
    expect(readContent(stream.whole())).toMatchObject({
      id: "r",
      model: "m",
      usage: { inputTokens: 4, outputTokens: 2 },
      outcome: { text: "ab" },
    });
  });
});
