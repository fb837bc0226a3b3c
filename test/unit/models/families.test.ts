import { describe, expect, it } from "vitest";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";

const catalogue = createCatalogue(PROVIDERS);

/** [name of the cap, effort, takes sampling parameters] */
function summary(provider: string, model: string): [string, string | null, boolean] {
  const { parameters, reasoning } = catalogue.family(provider, model);
  const cap = parameters.max_tokens ?? {};
  const takes = !("drop" in (parameters.temperature ?? {})) && !("drop" in (parameters.top_p ?? {}));
  return [("as" in cap ? cap.as : null) ?? "max_tokens", reasoning?.least ?? null, takes];
}

describe("what OpenAI's models take:", () => {
  it.each(["gpt-4", "gpt-4-turbo", "gpt-4o-mini", "gpt-4.1", "gpt-3.5-turbo", "gpt-5-chat-latest", "ft:gpt-4o:org::x"])(
    "%s takes everything under its old name",
    (model) => {
      expect(summary("openai", model)).toEqual(["max_tokens", null, true]);
    },
  );

  it.each(["gpt-5.1", "gpt-5.2-2025-12-11", "gpt-5.4-mini", "gpt-5.5", "gpt-5.6-luna"])(
    "%s can do without reasoning, and takes sampling parameters then",
    (model) => {
      expect(summary("openai", model)).toEqual(["max_completion_tokens", "none", true]);
      expect(catalogue.family("openai", model).reasoning?.samplingNeedsNone).toBe(true);
    },
  );

  it.each(["gpt-6-luna", "gpt-6-sol", "gpt-6.1-terra", "ft:gpt-6-luna:org::x"])("%s too", (model) => {
    expect(summary("openai", model)).toEqual(["max_completion_tokens", "none", true]);
  });

  it.each([
    ...["gpt-5.1-codex", "gpt-5.1-codex-max", "gpt-5.2-codex", "gpt-5.3-codex", "gpt-5.3-codex-spark"],
    ...["gpt-6-astra", "gpt-6.1-sol", "gpt-6.2-sol", "gpt-7", "gpt-10-mini", "o3", "o4-mini", "o1"],
  ])("%s always reasons, as little as it can, with room for it beside the text", (model) => {
    expect(summary("openai", model)).toEqual(["max_completion_tokens", "low", false]);
    expect(catalogue.capTokens({ provider: "openai", model, maxTokens: 280, factor: 1 })).toBeGreaterThan(280 + 500);
  });

  it.each(["gpt-5", "gpt-5-mini", "gpt-5-nano-2025-08-07"])("%s reasons minimally", (model) => {
    expect(summary("openai", model)).toEqual(["max_completion_tokens", "minimal", false]);
  });

  it.each([
    "gpt-5.1-chat-latest",
    "gpt-5.3-chat-latest",
    "gpt-5-pro",
    "gpt-5.4-pro",
    "o3-pro",
    "o1-mini",
    "gpt-5.1-codex-mini",
    "gpt-5-codex",
  ])("%s reasons as it likes and is not asked", (model) => {
    expect(summary("openai", model)).toEqual(["max_completion_tokens", "fixed", false]);
  });

  it("a model that is refused the request for no reasoning has room for it", () => {
    const call = { provider: "openai", model: "gpt-5.5", maxTokens: 280, factor: 1 };
    expect(catalogue.capTokens(call)).toBe(280);
    expect(catalogue.capTokens({ ...call, omit: ["reasoning_effort"] })).toBe(280 + 4096);
  });

  it("an unknown name is taken for a model that takes everything", () => {
    expect(summary("openai", "llama3:8b")).toEqual(["max_tokens", null, true]);
  });
});

describe("what Grok's models take:", () => {
  it.each([
    ["grok-4.3", "none"],
    ["grok-4.3-latest", "none"],
    ["grok-4.5", "low"],
    ["grok-4.6", "low"],
    ["grok-4.7", "low"],
    ["grok-4.20-0309-non-reasoning", null],
    ["grok-1", null],
  ])("%s: reasoning effort %s", (model, effort) => {
    expect(summary("grok", model)).toEqual(["max_completion_tokens", effort, true]);
  });

  it("no model takes penalties or logit_bias", () => {
    const { parameters } = catalogue.family("grok", "grok-4.3");
    const dropped = Object.entries(parameters).filter(([, rule]) => "drop" in rule);
    expect(dropped.map(([name]) => name)).toEqual(["frequency_penalty", "presence_penalty", "logit_bias"]);
  });
});

describe("what Claude's models take:", () => {
  it.each([
    ["claude-haiku-5-5", "none"],
    ["claude-sonnet-5-5", "none"],
    ["claude-opus-5", "none"],
    ["claude-sonnet-5-20260301", "none"],
    ["claude-opus-5-5", "low"],
    ["claude-fable-5-1", "low"],
    ["claude-mythos-5-2", "low"],
    ["claude-opus-4-8", null],
    ["claude-opus-6", "low"],
  ])("%s: least reasoning %s, and no sampling parameters", (model, least) => {
    expect(summary("anthropic", model)).toEqual(["max_tokens", least, false]);
  });

  it("the older ones take a temperature up to 1, without top_p", () => {
    for (const model of ["claude-haiku-4-5-20251001", "claude-opus-4-1", "claude-sonnet-4-6"]) {
      const { parameters } = catalogue.family("anthropic", model);
      expect(parameters).toMatchObject({
        temperature: { min: 0, max: 1 },
        top_p: { drop: "this model takes either temperature or top_p" },
      });
    }
  });

  it("the oldest take both", () => {
    expect(summary("anthropic", "claude-3-haiku-20240307")).toEqual(["max_tokens", null, true]);
    expect(summary("anthropic", "claude-sonnet-4-20250514")).toEqual(["max_tokens", null, true]);
  });

  it("no model takes penalties or logit_bias", () => {
    for (const model of ["claude-haiku-5-5", "claude-haiku-4-5", "claude-3-haiku-20240307"]) {
      const { parameters } = catalogue.family("anthropic", model);
      const dropped = ["frequency_penalty", "presence_penalty", "logit_bias"] as const;
      expect(dropped.filter((name) => !("drop" in (parameters[name] ?? {})))).toEqual([]);
    }
  });
});

describe("what Gemini's models take:", () => {
  it.each([
    ["gemini-1.5-flash", null, true],
    ["gemini-2.0-flash", null, true],
    ["gemini-2.5-flash", "none", true],
    ["models/gemini-2.5-flash", "none", true],
    ["gemini-2.5-flash-lite", "none", true],
    ["gemini-2.5-pro", "minimal", true],
    ["gemini-3.1-flash-lite", "minimal", true],
    ["gemini-3.5-flash", "minimal", true],
    ["gemini-3.1-pro-preview", "low", true],
    ["gemini-3.5-flash-lite", "minimal", false],
    ["gemini-3.6-flash", "minimal", false],
    ["gemini-3.8-flash", "low", false],
    ["gemini-4-neon", "low", false],
    ["gemini-9", "low", false],
  ])("%s: thinking %s, sampling %s", (model, least, takesSampling) => {
    expect(summary("gemini", model)).toEqual(["max_tokens", least, takesSampling]);
  });

  it("every model that thinks is asked for the least, by a level or a budget, never by both", () => {
    const asked = catalogue.models.filter(({ provider }) => provider === "gemini");
    for (const { model } of asked) {
      const { reasoning } = catalogue.family("gemini", model);
      const fields = Object.keys((reasoning?.ask?.["thinkingConfig"] ?? {}) as object);
      expect(fields, model).toHaveLength(reasoning === null ? 0 : 1);
    }
    expect(asked.length).toBeGreaterThan(10);
  });

  it("only those of 2.0 take penalties, and none takes logit_bias or a user", () => {
    const dropped = (model: string): string[] =>
      Object.entries(catalogue.family("gemini", model).parameters).flatMap(([name, rule]) =>
        "drop" in rule ? [name] : [],
      );
    expect(dropped("gemini-2.0-flash").sort()).toEqual(["logit_bias", "user"]);
    const all = ["frequency_penalty", "logit_bias", "presence_penalty", "user"];
    expect(dropped("gemini-3.1-flash-lite").sort()).toEqual(all);
    expect(dropped("gemini-1.5-flash").sort()).toEqual(all);
  });
});
