import { describe, expect, it } from "vitest";
import { parseAgent } from "../../../src/agents/parse-agent.ts";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { messageOf, OPTIONS } from "./compile-options.ts";
import anthropicModels from "../../../src/providers/anthropic/models.json" with { type: "json" };
import openaiModels from "../../../src/providers/openai/models.json" with { type: "json" };

const grokModels = {
  families: [
    { match: ["*"], parameters: { top_p: { min: 0.1 }, presence_penalty: { max: 0 }, max_tokens: { max: 50 } } },
  ],
  models: [],
  prices: [],
};
const options = {
  ...OPTIONS,
  knownProviders: ["openai", "anthropic", "grok"],
  catalogue: createCatalogue([
    { id: "openai", models: openaiModels, isFree: false },
    { id: "anthropic", models: anthropicModels, isFree: false },
    { id: "grok", models: grokModels, isFree: false },
  ]),
};

function faultsOf(file: object): string {
  const text = JSON.stringify({ id: "ada", name: "Ada", ...file });
  return messageOf(() => parseAgent("ada.json", text, options));
}
const ofClaude = (config: object, model = "claude-haiku-4-5"): string =>
  faultsOf({ llm_provider: "anthropic", llm_config: { model, ...config } });
const fault = (path: string, got: string, expected: string): string =>
  `ada.json:1 llm_config.${path}: got ${got}; expected ${expected}`;

describe("a temperature", () => {
  it.each([
    [1.1, "1.1"],
    [2.1, "2.1"],
    [-0.1, "-0.1"],
    ["0.7", '"0.7"'],
    [null, "null"],
  ])("of %j is refused for Claude, with Claude's own range", (temperature, got) => {
    expect(ofClaude({ temperature })).toBe(fault("temperature", got, "a number from 0 to 1 (anthropic)"));
  });

  it.each([0, 0.5, 1])("of %d is fine for it", (temperature) => {
    expect(ofClaude({ temperature })).toBe("nothing was thrown");
  });

  it("of a model that takes none is not judged by what it takes: it is left out, and the result says so", () => {
    expect(ofClaude({ temperature: 1.5 }, "claude-opus-5-5")).toBe("nothing was thrown");
    expect(ofClaude({ temperature: 2.5 }, "claude-opus-5-5")).toBe(fault("temperature", "2.5", "a number from 0 to 2"));
  });

  it("of 1.5 is fine for OpenAI, and not in its fall-back to Claude, however deep", () => {
    const claude = {
      fallback_provider: "anthropic",
      fallback_config: { model: "claude-sonnet-4-5-20250929", temperature: 1.5 },
    };
    expect(faultsOf({ llm_config: { temperature: 1.5, ...claude } })).toBe(
      fault("fallback_config.temperature", "1.5", "a number from 0 to 1 (anthropic)"),
    );
    const middle = { fallback_provider: "grok", fallback_config: claude };
    expect(faultsOf({ llm_config: middle })).toBe(
      fault("fallback_config.fallback_config.temperature", "1.5", "a number from 0 to 1 (anthropic)"),
    );
  });
});

describe("other parameters", () => {
  it("have the family's border on one side, and the general one on the other", () => {
    const config = { top_p: 0, presence_penalty: 0.5, frequency_penalty: 2 };
    expect(faultsOf({ llm_provider: "grok", llm_config: config }).split("\n")).toEqual([
      fault("top_p", "0", "a number from 0.1 to 1 (grok)"),
      fault("presence_penalty", "0.5", "a number from -2 to 0 (grok)"),
    ]);
  });
});

describe("max_tokens", () => {
  it.each([
    [{ model: "gpt-5.4", max_tokens: 128_001 }, "128001", 128_000],
    [{ model: "gpt-5.4", max_tokens: 1e9 }, "1000000000", 128_000],
    [{ model: "gpt-5.4", max_tokens: 0 }, "0", 128_000],
    [{ model: "gpt-5.4", max_tokens: 1.5 }, "1.5", 128_000],
    [{ model: "gpt-5.4", max_tokens: "280" }, '"280"', 128_000],
    [{ model: "ft:gpt-4o-2024-08-06:org::x", max_tokens: 16_385 }, "16385", 16_384],
  ])("of %j is above the model's limit, or no such number", (config, got, most) => {
    const expected = `an integer from 1 to ${most}, the limit of ${config.model}`;
    expect(faultsOf({ llm_config: config })).toBe(fault("max_tokens", got, expected));
  });

  it.each([1, 128_000])("of %d are within it", (max_tokens) => {
    expect(faultsOf({ llm_config: { model: "gpt-5.4", max_tokens } })).toBe("nothing was thrown");
  });

  it("are looked at in every fall-back, and by the rule of a family too", () => {
    const config = { max_tokens: 280, fallback_provider: "grok", fallback_config: { model: "g", max_tokens: 51 } };
    expect(faultsOf({ llm_config: config })).toBe(
      fault("fallback_config.max_tokens", "51", "an integer from 1 to 50, the limit of g"),
    );
  });

  it("that a fall-back inherits are no fault of its own: the call has the fall-back's own limit", () => {
    const config = { model: "gpt-5.4", max_tokens: 100_000, fallback_provider: "grok" };
    expect(faultsOf({ llm_config: config })).toBe("nothing was thrown");
  });

  it("have the general limit where nobody knows the model's", () => {
    expect(faultsOf({ llm_config: { model: "gpt-99", max_tokens: 1_000_001 } })).toBe(
      fault("max_tokens", "1000001", "an integer from 1 to the model's limit (1000000 at most)"),
    );
  });
});
