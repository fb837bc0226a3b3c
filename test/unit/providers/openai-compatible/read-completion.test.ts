import { describe, expect, it } from "vitest";
import { parseJson } from "../../../../src/providers/http/json.ts";
import { readBody, type ReadAnswer } from "../../../../src/providers/http/read-answer.ts";
import { readCompletion } from "../../../../src/providers/openai-compatible/read-completion.ts";
import { bodyTextOf, completionAnswer, recordedAnswer } from "../../../support/recorded-answers.ts";

function read(bodyText: string): ReadAnswer {
  return readBody(bodyText, parseJson(bodyText), (body) => readCompletion(body, "inside-completion"));
}

describe("readCompletion", () => {
  it("reads a recorded completion", () => {
    const completion = read(bodyTextOf(recordedAnswer("openai/200-reasoning-tokens.json")));

    expect(completion).toMatchObject({
      model: "gpt-5-nano-2025-08-07",
      finishReason: "stop",
      rawFinishReason: "stop",
      outcome: { text: "4" },
      usage: { inputTokens: 13, outputTokens: 74 },
      reportedCostMicroUsd: null,
    });
  });

  it("keeps the text byte for byte", () => {
    const text = "  👩‍👩‍👧 \u202eabc\n";
    expect(read(bodyTextOf(completionAnswer({ text }))).outcome).toEqual({ text });
  });

  it.each([
    ["openai/200-refusal.json", "content-filtered", "the model refused", 12],
    ["openai/200-content-filter.json", "content-filtered", "the content filter cut in", 19],
    ["openai/200-length-empty-text.json", "truncated-empty", "the answer was cut by length before any text", 3072],
    ["grok/200-tool-call-empty-text.json", "invalid-response", "an empty text, finish reason tool_calls", 26],
  ])("%s has no text, but a usage", (file, kind, message, outputTokens) => {
    const completion = read(bodyTextOf(recordedAnswer(file)));

    expect(completion.outcome).toEqual({ kind, message });
    expect(completion.usage?.estimated).toBe(false);
    expect(completion.usage?.outputTokens).toBeGreaterThanOrEqual(outputTokens);
  });

  it("drops a text that the filter cut short", () => {
    const answer = completionAnswer({ text: "How to build a", finishReason: "content_filter" });
    expect(read(bodyTextOf(answer)).outcome).toMatchObject({ kind: "content-filtered" });
  });

  it.each([
    ["", "an empty body in place of a completion"],
    ["<!doctype html><p>hi</p>", "an HTML page in place of a completion"],
    ['{"id":"chatcmpl-1","choices":[', "broken JSON in place of a completion"],
    ['"a string"', "other JSON in place of a completion"],
    ["null", "other JSON in place of a completion"],
    ["{}", "a completion without choices"],
    ['{"choices":[]}', "a completion without choices"],
    ['{"choices":"none"}', "a completion without choices"],
    ['{"code":"unavailable","error":"Timed out"}', "a completion without choices: Timed out"],
    ['{"choices":[{"message":{"content":" \\n"}}]}', "an empty text, finish reason missing"],
    ['{"choices":[{"message":{"content":7},"finish_reason":"stop"}]}', "an empty text, finish reason stop"],
    ['{"choices":[{}]}', "an empty text, finish reason missing"],
  ])("%s is an invalid response", (bodyText, message) => {
    expect(read(bodyText).outcome).toEqual({ kind: "invalid-response", message });
  });

  it("takes other finish reasons for what they are", () => {
    const completion = read(bodyTextOf(completionAnswer({ finishReason: "sunset" })));
    expect(completion).toMatchObject({ finishReason: "other", rawFinishReason: "sunset" });
  });
});
