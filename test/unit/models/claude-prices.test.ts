import { describe, expect, it } from "vitest";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { createPrices } from "../../../src/models/prices.ts";
import { convertUsage } from "../../../src/providers/anthropic/read-message.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { recordedAnswer } from "../../support/recorded-answers.ts";

const prices = createPrices({ catalogue: createCatalogue(PROVIDERS) });

interface Tokens {
  readonly input?: number;
  readonly read?: number;
  readonly written?: number;
  readonly output?: number;
}

/** From the vendor's own counts, as they stand in an answer. */
function price(model: string, { input = 0, read = 0, written = 0, output = 0 }: Tokens): number | null {
  return priceOf(model, {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: Math.floor(output / 2) },
  });
}

function priceOf(model: string, raw: unknown): number | null {
  const usage = convertUsage(raw);
  if (usage === null) throw new Error("that is no usage");
  return prices.priceOf({ provider: "anthropic", model, usage, reportedCostMicroUsd: null });
}

/** A million of each, so that the numbers are those of the vendor's pages. */
const MTOK = 1_000_000;

describe("what Claude costs, in USD per million tokens of input, cache read, cache write and output:", () => {
  it.each([
    // https://platform.claude.com/docs/en/models/…/overview, and the cut of 2026-10-07 for Sonnet 5.5's cache reads
    ["claude-fable-5-1", 10, 0.25, 12.5, 50],
    ["claude-opus-5-5", 4, 0.2, 5, 20],
    ["claude-opus-5", 5, 0.5, 6.25, 25],
    ["claude-sonnet-5-5", 2, 0.1, 2.5, 10],
    ["claude-sonnet-5", 2, 0.2, 2.5, 10],
    ["claude-haiku-4-5-20251001", 1, 0.1, 1.25, 5],
    // All of them are longer than the 100,000 tokens from which on it costs five times as much.
    ["claude-haiku-5-5", 0.5, 0.05, 0.625, 2.5],
  ])("%s: %d, %d, %d, %d", (model, input, read, written, output) => {
    const long = { input: MTOK };
    const base = price(model, long) ?? Number.NaN;
    expect(base / MTOK).toBe(input);
    expect((price(model, { read: MTOK }) ?? Number.NaN) / MTOK).toBe(read);
    expect((price(model, { written: MTOK }) ?? Number.NaN) / MTOK).toBe(written);
    expect(((price(model, { ...long, output: MTOK }) ?? Number.NaN) - base) / MTOK).toBe(output);
  });

  it("Haiku 5.5 costs more from 100,001 tokens of prompt on, cached ones included, for all tokens", () => {
    expect(price("claude-haiku-5-5", { input: 1000, output: 100 })).toBe(150);
    expect(price("claude-haiku-5-5", { input: 100_000, output: 100 })).toBe(10_000 + 50);
    expect(price("claude-haiku-5-5", { input: 100_001, output: 100 })).toBe(50_000.5 + 250);
    expect(price("claude-haiku-5-5", { input: 1, read: 100_000, output: 100 })).toBe(0.5 + 5000 + 250);
  });
});

describe("what recorded answers cost, in micro-USD:", () => {
  it.each([
    // 3 at 3, 1111 at 0.30, 418 at 3.75, 33 at 15: none of them twice.
    ["200-cache-write-and-read", 9 + 333.3 + 1567.5 + 495],
    // 13 at 5, 44 at 25: the 33 tokens of thinking are among the 44.
    ["200-thinking-opus-5", 65 + 1100],
    // 16 at 1, 13 at 5.
    ["200-text", 16 + 65],
  ])("%s: %d", (file, expected) => {
    const { model, usage } = recordedAnswer(`anthropic/${file}.json`).response.body as {
      model: string;
      usage: unknown;
    };
    expect(priceOf(model, usage)).toBe(expected);
  });
});
