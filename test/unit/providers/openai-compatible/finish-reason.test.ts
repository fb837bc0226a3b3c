import { expect, it } from "vitest";
import { finishReason } from "../../../../src/providers/openai-compatible/finish-reason.ts";

it.each([
  ["stop", "stop"],
  ["end_turn", "stop"],
  ["length", "length"],
  ["content_filter", "content-filter"],
  ["tool_calls", "other"],
  ["something_new", "other"],
  [null, "other"],
] as const)("%s is %s", (raw, expected) => {
  expect(finishReason(raw)).toBe(expected);
});
