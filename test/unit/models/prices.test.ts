import { describe, expect, it } from "vitest";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { priceEntrySchema, type PriceEntry } from "../../../src/models/price-entry.ts";
import { createPrices, type Prices } from "../../../src/models/prices.ts";
import { readContent } from "../../../src/providers/gemini/read-content.ts";
import type { TokenUsage } from "../../../src/providers/provider.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { recordedAnswer } from "../../support/recorded-answers.ts";

const catalogue = createCatalogue(PROVIDERS);
const pricesWith = (overrides: readonly PriceEntry[] = []): Prices => createPrices({ catalogue, overrides });

const USAGE: TokenUsage = {
  inputTokens: 1000,
  outputTokens: 100,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  raw: null,
};

const GOLDEN: TokenUsage = {
  ...USAGE,
  inputTokens: 12,
  cachedInputTokens: 2,
  outputTokens: 229,
  reasoningTokens: 228,
};

function price(prices: Prices, [provider, model]: [string, string], usage: Partial<TokenUsage> = {}): number | null {
  return prices.priceOf({ provider, model, usage: { ...USAGE, ...usage }, reportedCostMicroUsd: null });
}

function ratesOf(prices: Prices, [provider, model]: [string, string]): PriceEntry {
  const rates = prices.ratesOf({ provider, model });
  if (rates === null || rates === "free") throw new Error(`${provider}/${model} has no price`);
  return rates;
}

describe("priceOf", () => {
  const prices = pricesWith();

  it("agrees with xAI's own bill: 1,176,500 ticks", () => {
    expect(price(prices, ["grok", "grok-3-mini"], GOLDEN)).toBe(117.65);

    const entry = {
      provider: "grok",
      model: "golden",
      inputMtok: 0.3,
      cachedInputMtok: 0.075,
      outputMtok: 0.5,
      tiers: [],
    };
    expect(price(pricesWith([entry]), ["grok", "golden"], GOLDEN)).toBe(117.65);
  });

  it("charges what Google caches less, and thoughts like the text: an answer of gemini-3.8-flash", () => {
    const { body } = recordedAnswer("gemini/200-usage-cached-and-thoughts.json").response;
    const usage = readContent(body)?.usage ?? {};
    // 2,050 of the prompt's 14,208 tokens at 0.75, 12,158 at 0.075, 69 of the text and 595 of thoughts at 3.75.
    expect(price(prices, ["gemini", "gemini-3.8-flash"], usage)).toBe(1537.5 + 911.85 + 2490);
  });

  it("believes the vendor's own cost before any table", () => {
    const call = { provider: "grok", model: "grok-1", usage: USAGE };
    expect(prices.priceOf({ ...call, reportedCostMicroUsd: 42.0000001 })).toBe(42);
  });

  it.each([
    ["openai", "gpt-6-luna", 150],
    ["openai", "gpt-6-sol", 3000],
    ["openai", "gpt-6-astra", 15_000],
    ["openai", "gpt-6.1-terra", 1500],
    ["openai", "gpt-6.1-sol", 3000],
    ["openai", "gpt-6.1-sol-2026-09-29", 3000],
    ["openai", "gpt-6.2-sol", 3000],
    ["openai", "gpt-4", 36_000],
    ["grok", "grok-4.3", 1500],
    ["grok", "grok-4.20-non-reasoning", 1500],
    ["grok", "grok-4.7", 2600],
    ["gemini", "gemini-3.8-flash", 750 + 375],
    ["gemini", "gemini-3.1-flash-lite", 250 + 150],
    ["gemini", "gemini-3.5-flash-lite", 300 + 250],
    ["gemini", "gemini-2.5-flash", 300 + 250],
    ["gemini", "gemini-4-neon", 3000 + 1500],
    ["gemini", "gemini-4-carbon", 4000 + 2000],
  ])("%s/%s: 1000 tokens in and 100 out cost %d micro-USD", (provider, model, expected) => {
    expect(price(prices, [provider, model])).toBe(expected);
  });

  it.each([
    ["openai", "gpt-6.1-sol", 272_000, 544_000 + 1000],
    ["openai", "gpt-6.1-sol", 272_001, 1_088_004 + 1500],
    ["openai", "gpt-6-luna", 272_001, 54_400.2 + 75],
    ["grok", "grok-4.7", 199_999, 399_998 + 600],
    ["grok", "grok-4.7", 200_000, 800_000 + 1200],
    ["grok", "grok-4.3", 200_000, 500_000 + 500],
    ["gemini", "gemini-3.1-pro-preview", 200_000, 400_000 + 1200],
    ["gemini", "gemini-3.1-pro-preview", 200_001, 800_004 + 1800],
  ])("%s/%s at %d input tokens costs %d: the tier counts for all of them", (provider, model, inputTokens, expected) => {
    expect(price(prices, [provider, model], { inputTokens })).toBeCloseTo(expected, 6);
  });

  it("charges what is read from the cache less, and what is written to it more", () => {
    const id: [string, string] = ["openai", "gpt-6.1-sol"];
    expect(price(prices, id, { cachedInputTokens: 1000 })).toBe(100 + 1000);
    expect(price(prices, id, { cacheWriteInputTokens: 1000 })).toBe(2500 + 1000);
    expect(price(prices, id, { cachedInputTokens: 500, cacheWriteInputTokens: 500 })).toBe(50 + 1250 + 1000);
  });

  it.each(["gpt-6-luna", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6.2-astra", "gpt-6-astra"])(
    "%s costs twice as much in, and half as much again out, above 272,000 input tokens",
    (model) => {
      const rates = ratesOf(prices, ["openai", model]);
      const tiered = { inputTokens: 272_001, cachedInputTokens: 100_000, outputTokens: 1000 };
      const expected = (172_001 * rates.inputMtok + 100_000 * (rates.cachedInputMtok ?? 0)) * 2;
      expect(price(prices, ["openai", model], tiered)).toBeCloseTo(expected + 1000 * rates.outputMtok * 1.5, 6);
    },
  );

  it.each(["grok-4.7", "grok-4.3", "grok-4.20-reasoning", "grok-4.20-non-reasoning"])(
    "%s costs twice as much from 200,000 input tokens on",
    (model) => {
      const rates = ratesOf(prices, ["grok", model]);
      const usage = { inputTokens: 200_000, cachedInputTokens: 50_000, outputTokens: 1000 };
      const base = 150_000 * rates.inputMtok + 50_000 * (rates.cachedInputMtok ?? 0) + 1000 * rates.outputMtok;
      expect(price(prices, ["grok", model], usage)).toBeCloseTo(2 * base, 6);
    },
  );

  it.each([
    ["ft:gpt-6.1-sol:org::id", "gpt-6.1-sol"],
    ["ft:gpt-6.1-sol-2026-09-29:org:name:id", "gpt-6.1-sol"],
    ["ft:gpt-6-luna:org::id", "gpt-6-luna"],
  ])("%s costs what its base does", (model, base) => {
    const usage = { inputTokens: 300_000, cachedInputTokens: 1000 };
    expect(price(prices, ["openai", model], usage)).toBe(price(prices, ["openai", base], usage));
    expect(price(prices, ["openai", model])).toBeGreaterThan(0);
  });

  it("knows that a local model costs nothing, unless the operator puts a price on it", () => {
    expect(price(prices, ["local", "llama3.2"])).toBe(0);
    const power = [{ provider: "local", model: "llama3.2", inputMtok: 0.01, outputMtok: 0.1, tiers: [] }];
    expect(price(pricesWith(power), ["local", "llama3.2"])).toBe(20);
    expect(price(pricesWith(power), ["local", "another"])).toBe(0);
  });

  it("tells the rates themselves: free, unknown, or USD per million tokens", () => {
    expect(prices.ratesOf({ provider: "local", model: "any" })).toBe("free");
    expect(prices.ratesOf({ provider: "openai", model: "gpt-99" })).toBeNull();
    const rates = { inputMtok: 2, cachedInputMtok: 0.1, outputMtok: 10 };
    expect(prices.ratesOf({ provider: "openai", model: "gpt-6.1-sol" })).toMatchObject(rates);
  });

  it.each([
    ["grok", "grok-1"],
    ["grok", "grok-4.30"],
    ["openai", "gpt-99"],
    ["nobody", "nothing"],
    ["openai", "__proto__"],
  ])("does not know %s/%s, and says so instead of 0", (provider, model) => {
    expect(price(prices, [provider, model])).toBeNull();
    expect(prices.upperBound({ provider, model, inputBytes: 10, maxOutputTokens: 10 })).toBeNull();
    expect(prices.contextTokens(provider, model)).toBeNull();
  });

  it.each([
    ["anthropic", "claude-sonnet-5-9"],
    ["anthropic", "claude-opus-4-8-fast"],
    ["gemini", "gemini-3.8-flash-pro"],
    ["gemini", "gemini-2.5-pro-next"],
    ["openai", "gpt-5-nano-turbo"],
  ])("takes %s/%s for no other model because its name begins alike", (provider, model) => {
    expect(price(prices, [provider, model])).toBeNull();
  });

  it.each([
    ["anthropic", "claude-haiku-4-5-20251001", 1000 + 500],
    ["anthropic", "claude-3-5-haiku-latest", 800 + 400],
    ["anthropic", "claude-opus-4-20250514", 15_000 + 7500],
    ["openai", "gpt-4-0613", 30_000 + 6000],
    ["openai", "gpt-6-luna-2026-09-01", 150],
    // What the library knows of fine-tuned models is more than what their bases cost.
    ["openai", "ft:gpt-4o-2024-08-06:org::id", 3750 + 1500],
    ["openai", "ft:gpt-4o-mini-2024-07-18:org::id", 300 + 120],
    ["openai", "ft:gpt-3.5-turbo-0125:org::id", 3000 + 600],
    ["openai", "ft:gpt-4-0613:org::id", 30_000 + 6000],
    ["openai", "ft:gpt-4.1-mini:org::id", 400 + 160],
    ["grok", "grok-4.3-latest", 1250 + 250],
    ["gemini", "gemini-2.0-flash-001", 100 + 40],
    ["gemini", "gemini-2.5-flash-latest", 300 + 250],
    ["gemini", "gemini-2.5-flash-lite-preview-09-2025", 100 + 40],
    ["gemini", "models/gemini-2.5-flash", 300 + 250],
  ])("knows %s/%s by a name that is listed, or as a snapshot of one: %d", (provider, model, expected) => {
    expect(price(prices, [provider, model])).toBe(expected);
  });

  it("knows that the fake provider is free", () => {
    expect(price(prices, ["fake", "fake-1"])).toBe(0);
    expect(prices.upperBound({ provider: "fake", model: "x", inputBytes: 10, maxOutputTokens: 10 })).toBe(0);
    expect(prices.contextTokens("fake", "fake-1")).toBeNull();
  });

  it("lets the operator's entries win over the shipped ones and the library", () => {
    const overrides = [
      { provider: "openai", model: "gpt-6.1-sol", inputMtok: 1, outputMtok: 1, tiers: [] },
      { provider: "openai", model: "gpt-6-luna", inputMtok: 7, outputMtok: 0, tiers: [], contextTokens: 9 },
    ];
    const own = pricesWith(overrides);

    expect(price(own, ["openai", "gpt-6.1-sol"])).toBe(1100);
    expect(price(own, ["openai", "gpt-6-luna"])).toBe(7000);
    expect(own.contextTokens("openai", "gpt-6-luna")).toBe(9);
    expect(price(own, ["openai", "gpt-6-sol"])).toBe(3000);
  });

  it("lets an entry for a snapshot win over the one for its model", () => {
    const snapshot = "gpt-6.1-sol-2026-09-29";
    const overrides = [{ provider: "openai", model: snapshot, inputMtok: 1, outputMtok: 1, tiers: [] }];
    expect(price(pricesWith(overrides), ["openai", snapshot])).toBe(1100);
  });

  it("rounds to 1e-12 USD", () => {
    const overrides = [{ provider: "p", model: "m", inputMtok: 0.1, outputMtok: 0.2, tiers: [] }];
    const sum = price(pricesWith(overrides), ["p", "m"], { inputTokens: 1, outputTokens: 1 });
    expect(sum).toBe(0.3);
  });
});

describe("upperBound", () => {
  const prices = pricesWith();

  it("takes every byte for a token that is written to the cache, and the whole cap for output", () => {
    const call = { provider: "openai", model: "gpt-6.1-sol", inputBytes: 1000, maxOutputTokens: 280 };
    expect(prices.upperBound(call)).toBe(2500 + 2800);
  });

  it("is never below what any usage within it costs", () => {
    for (const model of ["gpt-6-luna", "gpt-6.1-sol", "gpt-4o"]) {
      const bound = prices.upperBound({ provider: "openai", model, inputBytes: 300_000, maxOutputTokens: 500 }) ?? 0;
      for (const inputTokens of [1, 100_000, 272_000, 272_001, 300_000]) {
        const usage = { inputTokens, outputTokens: 500, cacheWriteInputTokens: inputTokens };
        expect(price(prices, ["openai", model], usage)).toBeLessThanOrEqual(bound);
      }
    }
  });
});

describe("contextTokens", () => {
  const prices = pricesWith();

  it.each([
    ["openai", "gpt-6-luna", 1_050_000],
    ["openai", "gpt-6.1-sol", 1_050_000],
    ["openai", "gpt-4", 8192],
    ["grok", "grok-4.7", 500_000],
    ["grok", "grok-4.3", 1_000_000],
  ])("%s/%s: %d", (provider, model, expected) => {
    expect(prices.contextTokens(provider, model)).toBe(expected);
  });
});

describe("the shipped overrides", () => {
  it("are dated, say where they come from, and are there once", () => {
    const entries = priceEntrySchema.array().parse(catalogue.prices);

    for (const { source, readOn } of entries) {
      expect(source).toMatch(/^https:\/\//);
      expect(readOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
    expect(new Set(entries.map(({ provider, model }) => `${provider}/${model}`)).size).toBe(entries.length);
  });
});
