import type { ProviderId, TokenUsage } from "../providers/provider.ts";
import { libraryPrice } from "./library-price.ts";
import type { ModelCatalogue } from "./model-catalogue.ts";
import { baseModel, undated } from "./model-names.ts";
import type { PriceEntry, PriceRates } from "./price-entry.ts";
import { remembered } from "./remembered.ts";

interface ModelId {
  readonly provider: ProviderId;
  readonly model: string;
}

/** Money is in micro-USD (1e-6 USD), with fractions down to 1e-12 USD. An unknown price is `null`, never 0. */
export interface Prices {
  /** What one attempt cost. What the vendor itself reports wins over every table. */
  priceOf(call: ModelId & { usage: TokenUsage; reportedCostMicroUsd: number | null }): number | null;
  /** The most that an attempt can cost: a token for every byte of the input, and the whole cap as output. */
  upperBound(call: ModelId & { inputBytes: number; maxOutputTokens: number }): number | null;
  /** How much input and output fit the model together. */
  contextTokens(provider: ProviderId, model: string): number | null;
  /** What a model costs; `free`: nobody sends a bill. */
  ratesOf(id: ModelId): PriceEntry | "free" | null;
}

/** Those of a vendor's batch API. What the vendor itself reports is the discounted price already. */
export function discounted(prices: Prices, factor: number): Prices {
  const times = (live: number | null): number | null => (live === null ? null : rounded(live * factor));
  return {
    ...prices,
    priceOf: (call) => (call.reportedCostMicroUsd === null ? times(prices.priceOf(call)) : prices.priceOf(call)),
    upperBound: (call) => times(prices.upperBound(call)),
  };
}

export interface PriceOptions {
  readonly catalogue: Pick<ModelCatalogue, "prices" | "isFree" | "entry">;
  /** The operator's own entries: they win over the shipped ones, and those over the library. */
  readonly overrides?: readonly PriceEntry[];
}

export function createPrices({ catalogue, overrides = [] }: PriceOptions): Prices {
  const own = new Map<string, PriceEntry>();
  for (const entry of [...catalogue.prices, ...overrides]) own.set(keyOf(entry), entry);
  // An operator may put a price on what nobody else sends a bill for, such as the power that a local model takes.
  const isFree = ({ provider, model }: ModelId): boolean =>
    catalogue.isFree(provider) && !own.has(keyOf({ provider, model }));
  // The library searches its whole list for every call (26 µs); a model's price does not change while we run.
  const entryOf = remembered((provider, model) => findPrice({ provider, model }, own));
  const find = ({ provider, model }: ModelId): PriceEntry | null => entryOf(provider, model);
  return {
    priceOf({ usage, reportedCostMicroUsd, ...id }) {
      if (reportedCostMicroUsd !== null) return rounded(reportedCostMicroUsd);
      if (isFree(id)) return 0;
      const entry = find(id);
      return entry === null ? null : rounded(cost(usage, ratesFor(entry, usage.inputTokens)));
    },
    upperBound({ inputBytes, maxOutputTokens, ...id }) {
      if (isFree(id)) return 0;
      const entry = find(id);
      if (entry === null) return null;
      const { inputMtok, cacheWriteMtok = inputMtok, outputMtok } = ratesFor(entry, inputBytes);
      return rounded(inputBytes * Math.max(inputMtok, cacheWriteMtok) + maxOutputTokens * outputMtok);
    },
    contextTokens(provider, model) {
      const told = find({ provider, model })?.contextTokens;
      const isOwn = own.get(keyOf({ provider, model }))?.contextTokens !== undefined;
      return (isOwn ? told : (catalogue.entry(provider, model)?.contextTokens ?? told)) ?? null;
    },
    ratesOf: (id) => (isFree(id) ? "free" : find(id)),
  };
}

function keyOf({ provider, model }: ModelId): string {
  return `${provider}/${model}`;
}

/** Under each of its names in turn, so that a fine-tuned model costs what its base does unless more is known. */
function findPrice({ provider, model }: ModelId, own: ReadonlyMap<string, PriceEntry>): PriceEntry | null {
  const ownOf = (name: string): PriceEntry | undefined =>
    own.get(keyOf({ provider, model: name })) ?? own.get(keyOf({ provider, model: undated(name) }));
  const base = baseModel(model);
  return ownOf(model) ?? libraryPrice(provider, model) ?? ownOf(base) ?? libraryPrice(provider, base);
}

function ratesFor(entry: PriceEntry, inputTokens: number): PriceRates {
  return entry.tiers.findLast(({ fromInputTokens }) => inputTokens >= fromInputTokens) ?? entry;
}

/** USD per million tokens are micro-USD per token. */
function cost(usage: TokenUsage, rates: PriceRates): number {
  const { inputTokens, cachedInputTokens, cacheWriteInputTokens = 0, outputTokens } = usage;
  const { inputMtok, cachedInputMtok = inputMtok, cacheWriteMtok = inputMtok, outputMtok } = rates;
  return (
    Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens) * inputMtok +
    cachedInputTokens * cachedInputMtok +
    cacheWriteInputTokens * cacheWriteMtok +
    outputTokens * outputMtok
  );
}

const STEPS_PER_MICRO_USD = 1e6;

/** To 1e-12 USD: the binary rest of a sum such as 0.1 + 0.2 goes, every real price stays. */
function rounded(microUsd: number): number {
  return Math.round(microUsd * STEPS_PER_MICRO_USD) / STEPS_PER_MICRO_USD;
}
