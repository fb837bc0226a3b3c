import { expect, it } from "vitest";
import { grokParameterPolicy } from "../../../../src/providers/grok/grok-models.ts";

it.each([
  ["grok-4.3", "none"],
  ["grok-4.3-latest", "none"],
  ["grok-4.5", "low"],
  ["grok-4.6", "low"],
  ["grok-4.7", "low"],
  ["grok-4.20-reasoning", null],
  ["grok-4.20-0309-non-reasoning", null],
  ["grok-1", null],
])("%s: reasoning effort %s", (model, effort) => {
  expect(grokParameterPolicy(model)).toMatchObject({ cap: "max_completion_tokens", reasoningEffort: effort });
});

it("refuses the penalties and logit_bias of every model", () => {
  expect(Object.keys(grokParameterPolicy("grok-4.3").refused)).toEqual([
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
  ]);
});
