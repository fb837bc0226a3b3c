import type { UsageRecord } from "./usage-record.ts";

/**
 * What is counted per provider, model, agent and day. The sum over all usage rows of a day equals its counters exactly:
 * everything is an integer. Costs are counted in pico-USD (1e-12): every price of at most six decimals per million
 * tokens is a whole number of them.
 */
export const COUNTERS = [
  "requests",
  "failures",
  "inputTokens",
  "outputTokens",
  "cachedInputTokens",
  "reasoningTokens",
  "costPicoUsd",
  /** The part of `costPicoUsd` that is an upper bound: nobody knows whether the vendor billed it. */
  "possiblyBilledPicoUsd",
  /** Attempts whose price is not known: they are missing from `costPicoUsd`. */
  "unpriced",
  "durationMs",
] as const;
export type Counter = (typeof COUNTERS)[number];

/**
 * Counted beside them, and no part of any row: how many texts have a score, and the sum of their scores in thousandths.
 * They count for the day on which the text was finished, and for who wrote it.
 */
export const FEEDBACK_COUNTERS = ["feedbackCount", "feedbackMilli"] as const;

/** Texts that came from the cache, counted for who had written them. No row stands for them: nobody was called. */
export const CACHE_COUNTER = "cacheHits";

/** How the fields of distributions start. */
export const LATENCY = "ms:";
export const OUTCOME = "outcome:";

const PICO_PER_MICRO = 1e6;
/** Four buckets per doubling: a percentile read from them is right within ±9 %. */
const BUCKETS_PER_DOUBLING = 4;

/**
 * Counter fields are `provider|model|counter`. By day, and not by agent, there are distributions as well:
 * `provider|model|ms:<bucket>` of latencies and `provider|model|outcome:<outcome>` of failures.
 */
export interface CounterField {
  readonly provider: string;
  readonly model: string;
  readonly name: string;
}

export function formatCounterField({ provider, model, name }: CounterField): string {
  return `${provider}|${model}|${name}`;
}

export function parseCounterField(field: string): CounterField {
  const [provider = "", model = "", name = ""] = field.split("|");
  return { provider, model, name };
}

/** The increments that a row stands for; zeros are left out. */
export function countersOf(row: UsageRecord): [field: string, increment: number][] {
  const costPicoUsd = picoUsdOf(row.costMicroUsd);
  const values: Record<Counter, number> = {
    requests: 1,
    failures: row.outcome === "succeeded" ? 0 : 1,
    inputTokens: row.usage?.inputTokens ?? 0,
    outputTokens: row.usage?.outputTokens ?? 0,
    cachedInputTokens: row.usage?.cachedInputTokens ?? 0,
    reasoningTokens: row.usage?.reasoningTokens ?? 0,
    costPicoUsd,
    possiblyBilledPicoUsd: row.possiblyBilled ? costPicoUsd : 0,
    unpriced: row.costMicroUsd === null ? 1 : 0,
    durationMs: row.durationMs,
  };
  const named: [string, number][] = COUNTERS.map((name) => [name, values[name]]);
  // A batch takes hours, and that says nothing about the model.
  if (row.outcome !== "crashed" && row.delivery !== "batch")
    named.push([`${LATENCY}${latencyBucket(row.durationMs)}`, 1]);
  if (row.outcome !== "succeeded") named.push([`${OUTCOME}${row.outcome}`, 1]);
  return named.filter(([, value]) => value !== 0).map(([name, value]) => [formatCounterField({ ...row, name }), value]);
}

export function latencyBucket(durationMs: number): number {
  return Math.round(Math.log2(Math.max(1, durationMs)) * BUCKETS_PER_DOUBLING);
}

/** The middle of a bucket, in ms. */
export function latencyOfBucket(bucket: number): number {
  return Math.round(2 ** (bucket / BUCKETS_PER_DOUBLING));
}

/** The day that a row counts for: UTC, by when the attempt started. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** Unknown is 0. Redis counts in 64-bit integers and refuses 1e+22; no vendor charges 9,007 USD for one call. */
export function picoUsdOf(microUsd: number | null): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round((microUsd ?? 0) * PICO_PER_MICRO));
}

/** Exact up to 9,007 USD, to 16 digits above. */
export function microUsdOfPico(pico: bigint): number {
  return Number(pico) / PICO_PER_MICRO;
}
