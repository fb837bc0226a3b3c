import { calcPrice, type MatchLogic, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";
import { undated } from "./model-names.ts";
import type { PriceEntry, PriceRates } from "./price-entry.ts";

/** Providers whose name in the library is another. */
const LIBRARY_PROVIDER: Readonly<Record<string, string>> = { grok: "x-ai" };

/** Its release, which stands for a day: the library does not tell when a price was read. */
const LIBRARY = "@pydantic/genai-prices 0.1.8";

/** What @pydantic/genai-prices knows of a model, in our form; `null`: nothing, or not what input and output cost. */
export function libraryPrice(provider: string, model: string): PriceEntry | null {
  const found = calcPrice({ input_tokens: 1 }, model, { providerId: LIBRARY_PROVIDER[provider] ?? provider });
  if (found === null || !isSameModel(model.toLowerCase(), found.model)) return null;
  const base = ratesFrom(found.model_price, 0);
  if (base === null) return null;
  const tiers = tierStarts(found.model_price).flatMap((fromInputTokens) => {
    const rates = ratesFrom(found.model_price, fromInputTokens);
    return rates === null ? [] : [{ fromInputTokens, ...rates }];
  });
  const { context_window } = found.model;
  const context = context_window === undefined ? {} : { contextTokens: context_window };
  return { provider, model, ...base, tiers, ...context, source: LIBRARY };
}

/**
 * The library also takes a name for a model that it merely begins like: `claude-sonnet-5-9` for claude-sonnet-5, which
 * need not cost the same. Only a name that stands in its list counts, and a snapshot of one.
 */
function isSameModel(model: string, { id, match }: ModelInfo): boolean {
  const listed = [id, id.replace(/-(?:latest)?$/, ""), ...namesIn(match)];
  const names = new Set(listed.flatMap((name) => [name, ofSnapshot(name)]));
  // The library says what fine-tuned models of a base cost, whosever they are: `ft:gpt-4o`.
  const named = model.replace(/^(ft:[^:]+):.*$/, "$1");
  return names.has(named) || names.has(ofSnapshot(named));
}

/** What is not a whole name, such as `contains`, is left out; what others begin with is a name itself. */
function namesIn(match: MatchLogic): string[] {
  if ("or" in match) return match.or.flatMap(namesIn);
  if ("and" in match) return match.and.flatMap(namesIn);
  if ("equals" in match) return [match.equals];
  return "starts_with" in match ? [match.starts_with] : [];
}

/**
 * Besides what every vendor has there are Google's versions: `gemini-2.0-flash-001`,
 * `gemini-2.5-flash-lite-preview-09-2025`.
 */
function ofSnapshot(name: string): string {
  return undated(name).replace(/-(?:0\d{2}|\d{2}-\d{4})$/, "");
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
