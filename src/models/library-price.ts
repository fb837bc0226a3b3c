import { calcPrice, type ModelPrice } from "@pydantic/genai-prices";
import type { PriceEntry, PriceRates } from "./price-entry.ts";

/** Providers whose name in the library is another. */
const LIBRARY_PROVIDER: Readonly<Record<string, string>> = { grok: "x-ai" };

/** What @pydantic/genai-prices knows of a model, in our form; `null`: nothing, or not what input and output cost. */
export function libraryPrice(provider: string, model: string): PriceEntry | null {
  const found = calcPrice({ input_tokens: 1 }, model, { providerId: LIBRARY_PROVIDER[provider] ?? provider });
  if (found === null) return null;
  const base = ratesFrom(found.model_price, 0);
  if (base === null) return null;
  const tiers = tierStarts(found.model_price).flatMap((fromInputTokens) => {
    const rates = ratesFrom(found.model_price, fromInputTokens);
    return rates === null ? [] : [{ fromInputTokens, ...rates }];
  });
  const { context_window } = found.model;
  return { provider, model, ...base, tiers, ...(context_window !== undefined && { contextTokens: context_window }) };
}

function ratesFrom(price: ModelPrice, inputTokens: number): PriceRates | null {
  const inputMtok = rateAt(price["input_mtok"], inputTokens);
  const outputMtok = rateAt(price["output_mtok"], inputTokens);
  const cachedInputMtok = rateAt(price["cache_read_mtok"], inputTokens);
  const cacheWriteMtok = rateAt(price["cache_write_mtok"], inputTokens);
  if (inputMtok === null || outputMtok === null) return null;
  return {
    inputMtok,
    outputMtok,
    ...(cachedInputMtok !== null && { cachedInputMtok }),
    ...(cacheWriteMtok !== null && { cacheWriteMtok }),
  };
}

/** A tier of the library begins above its `start`, and then counts for all tokens. */
function rateAt(price: ModelPrice[string], inputTokens: number): number | null {
  if (price === undefined) return null;
  if (typeof price === "number") return price;
  return price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base;
}

function tierStarts(price: ModelPrice): number[] {
  const starts = Object.values(price).flatMap((rate) =>
    typeof rate === "object" ? rate.tiers.map(({ start }) => start + 1) : [],
  );
  return [...new Set(starts)].sort((a, b) => a - b);
}
