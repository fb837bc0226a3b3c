import { z } from "zod";
import type { TokenUsage } from "../provider.ts";

/**
 * Whether `completion_tokens` includes the reasoning tokens (OpenAI) or they stand beside it and are billed on top of
 * it (xAI: 1 completion + 228 reasoning are 229 billed tokens).
 */
export type ReasoningTokens = "inside-completion" | "beside-completion";

const count = z.number().int().nonnegative();

const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z
    .object({ cached_tokens: count.catch(0), cache_write_tokens: count.catch(0) })
    .catch({ cached_tokens: 0, cache_write_tokens: 0 }),
  completion_tokens_details: z.object({ reasoning_tokens: count.catch(0) }).catch({ reasoning_tokens: 0 }),
});

/** `null` when the vendor sent no usage, or one without the two totals. */
export function convertUsage(raw: unknown, convention: ReasoningTokens): TokenUsage | null {
  const parsed = usageSchema.safeParse(raw);
  if (!parsed.success) return null;
  const { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details } = parsed.data;
  const { cached_tokens, cache_write_tokens } = prompt_tokens_details;
  const { reasoning_tokens } = completion_tokens_details;
  // A part that is larger than its whole was counted beside it, whatever the vendor usually does.
  const isCachedBeside = cached_tokens > prompt_tokens;
  const isReasoningBeside = convention === "beside-completion" || reasoning_tokens > completion_tokens;
  const inputTokens = isCachedBeside ? prompt_tokens + cached_tokens : prompt_tokens;
  // What was read from the cache was not written to it by the same call.
  const cacheWriteInputTokens = Math.min(cache_write_tokens, inputTokens - cached_tokens);
  return {
    inputTokens,
    outputTokens: isReasoningBeside ? completion_tokens + reasoning_tokens : completion_tokens,
    cachedInputTokens: cached_tokens,
    ...(cacheWriteInputTokens > 0 && { cacheWriteInputTokens }),
    reasoningTokens: reasoning_tokens,
    estimated: false,
    raw,
  };
}

const TICKS_PER_MICRO_USD = 10_000;

/** 10,000 USD: no single call costs that. */
const MOST_TICKS = 1e14;

const MICRO_PER_USD = 1e6;

const ticksSchema = z.object({ cost_in_usd_ticks: z.number().positive().max(MOST_TICKS) });
const usdSchema = z.object({
  cost: z
    .number()
    .positive()
    .max(MOST_TICKS / TICKS_PER_MICRO_USD / MICRO_PER_USD),
});

/**
 * What the vendor itself charges: xAI's `cost_in_usd_ticks`, 1e-10 USD each, or OpenRouter's `cost` in USD
 * (https://openrouter.ai/docs/use-cases/usage-accounting). Zero counts as not said: xAI's own client does the same,
 * because the API fills in 0 where nothing was billed yet (xai-org/grok-build, types.rs, 2026-08-19), and OpenRouter
 * says 0 where the bill comes from somebody else.
 */
export function reportedCostMicroUsd(rawUsage: unknown): number | null {
  const ticks = ticksSchema.safeParse(rawUsage).data;
  if (ticks !== undefined) return ticks.cost_in_usd_ticks / TICKS_PER_MICRO_USD;
  const usd = usdSchema.safeParse(rawUsage).data;
  return usd === undefined ? null : usd.cost * MICRO_PER_USD;
}
