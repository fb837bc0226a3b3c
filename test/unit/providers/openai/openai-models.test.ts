import { describe, expect, it } from "vitest";
import { openAiParameterPolicy } from "../../../../src/providers/openai/openai-models.ts";

/** [cap, effort, takes sampling parameters] */
function summary(model: string): [string, string | null, boolean] {
  const { cap, reasoningEffort, refused } = openAiParameterPolicy(model);
  return [cap, reasoningEffort, Object.keys(refused).length === 0];
}

describe("openAiParameterPolicy", () => {
  it.each(["gpt-4", "gpt-4-turbo", "gpt-4o-mini", "gpt-4.1", "gpt-3.5-turbo", "gpt-5-chat-latest", "ft:gpt-4o:org::x"])(
    "%s takes everything under its old name",
    (model) => {
      expect(summary(model)).toEqual(["max_tokens", null, true]);
    },
  );

  it.each(["gpt-5.1", "gpt-5.2-2025-12-11", "gpt-5.4-mini", "gpt-5.5", "gpt-5.6-luna", "gpt-5.3-codex"])(
    "%s can do without reasoning, and takes sampling parameters then",
    (model) => {
      expect(summary(model)).toEqual(["max_completion_tokens", "none", true]);
      expect(openAiParameterPolicy(model).samplingNeedsEffortNone).toBe(true);
    },
  );

  it.each(["gpt-6-luna", "gpt-6-sol", "gpt-6.1-terra", "ft:gpt-6-luna:org::x"])("%s too", (model) => {
    expect(summary(model)).toEqual(["max_completion_tokens", "none", true]);
  });

  it.each(["gpt-6-astra", "gpt-6.1-sol", "gpt-6.2-sol", "gpt-7", "gpt-10-mini", "o3", "o4-mini", "o1"])(
    "%s always reasons, as little as it can",
    (model) => {
      expect(summary(model)).toEqual(["max_completion_tokens", "low", false]);
    },
  );

  it.each(["gpt-5", "gpt-5-mini", "gpt-5-nano-2025-08-07"])("%s reasons minimally", (model) => {
    expect(summary(model)).toEqual(["max_completion_tokens", "minimal", false]);
  });

  it.each([
    "gpt-5.1-chat-latest",
    "gpt-5.3-chat-latest",
    "gpt-5-pro",
    "gpt-5.4-pro",
    "o3-pro",
    "o1-mini",
    "gpt-5.1-codex-max",
  ])("%s reasons as it likes and is not asked", (model) => {
    expect(summary(model)).toEqual(["max_completion_tokens", null, false]);
  });

  it("takes an unknown name for a model that takes everything", () => {
    expect(summary("llama3:8b")).toEqual(["max_tokens", null, true]);
  });
});
