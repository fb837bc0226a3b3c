import { describe, expect, it } from "vitest";
import { convertUsage, finishReason, readMessage } from "../../../../src/providers/anthropic/read-message.ts";
import { recordedAnswer } from "../../../support/recorded-answers.ts";

function recorded(file: string): unknown {
  return recordedAnswer(`anthropic/${file}.json`).response.body;
}

describe("readMessage", () => {
  it("takes the text for the text and the thinking for tokens", () => {
    const answer = readMessage(recorded("200-thinking-opus-5"));
    expect(answer).toMatchObject({
      model: "claude-opus-5",
      finishReason: "stop",
      outcome: { text: "2 + 2 = 4" },
      usage: { inputTokens: 13, outputTokens: 44, reasoningTokens: 33 },
    });
  });

  it("puts several blocks of text together, and leaves out what is none", () => {
    const content = [
      { type: "text", text: "One" },
      { type: "thinking", thinking: "hm", text: "not this" },
      { type: "redacted_thinking", data: "…" },
      null,
      { type: "text", text: ", two" },
      { type: "text", text: null },
    ];
    expect(readMessage({ content, stop_reason: "end_turn" })?.outcome).toEqual({ text: "One, two" });
  });

  it("keeps a text that was cut", () => {
    expect(readMessage(recorded("200-max-tokens-cut-text"))).toMatchObject({
      finishReason: "length",
      rawFinishReason: "max_tokens",
      outcome: { text: "Hi there! How can I" },
    });
  });

  it("refuses with the model, even where there is some text", () => {
    const content = [{ type: "text", text: "Well, " }];
    for (const stop_details of [null, { type: "refusal", category: null }, "nonsense", undefined]) {
      expect(readMessage({ content, stop_reason: "refusal", stop_details })?.outcome).toEqual({
        kind: "content-filtered",
        message: "the model refused",
      });
    }
    const usage = { input_tokens: 9, output_tokens: 2 };
    expect(readMessage({ content, stop_reason: "refusal", usage })?.usage).toMatchObject({ outputTokens: 2 });
  });

  it("says what stands in place of a content", () => {
    const error = { type: "error", error: { type: "api_error", message: "Internal server error" } };
    expect(readMessage(error)?.outcome).toEqual({
      kind: "invalid-response",
      message: "a completion without content: Internal server error",
    });
    expect(readMessage({})?.outcome).toMatchObject({ message: "a completion without content" });
    expect(readMessage("text")).toBeNull();
    expect(readMessage(null)).toBeNull();
  });
});

describe("finishReason", () => {
  it.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content-filter"],
    ["tool_use", "other"],
    ["pause_turn", "other"],
    [null, "other"],
  ])("%s is %s", (raw, expected) => expect(finishReason(raw)).toBe(expected));
});

describe("convertUsage", () => {
  it("adds what was read from the cache and written to it to the input, and tells them apart", () => {
    const raw = (recorded("200-cache-write-and-read") as { usage: unknown }).usage;
    expect(convertUsage(raw)).toEqual({
      inputTokens: 3 + 1111 + 418,
      outputTokens: 33,
      cachedInputTokens: 1111,
      cacheWriteInputTokens: 418,
      reasoningTokens: 0,
      estimated: false,
      raw,
    });
  });

  it("takes null for none", () => {
    const raw = {
      ...{ input_tokens: 5, output_tokens: 7, cache_read_input_tokens: null },
      ...{ cache_creation_input_tokens: null, output_tokens_details: null },
    };
    const usage = convertUsage(raw);
    expect(usage).toMatchObject({ inputTokens: 5, outputTokens: 7, cachedInputTokens: 0, reasoningTokens: 0 });
    expect(usage).not.toHaveProperty("cacheWriteInputTokens");
  });

  it.each([undefined, null, {}, { input_tokens: 5 }, { output_tokens: 5 }, { input_tokens: -1, output_tokens: 5 }])(
    "has nothing to say about %j",
    (raw) => expect(convertUsage(raw)).toBeNull(),
  );
});
