import { scoreOfThousandths } from "../job/feedback.ts";
import {
  CACHE_COUNTER,
  COUNTERS,
  FEEDBACK_COUNTERS,
  LATENCY,
  OUTCOME,
  dayOf,
  latencyOfBucket,
  microUsdOfPico,
  parseCounterField,
} from "../job/usage-counters.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { visitCounters } from "./read-counters.ts";

export const USAGE_DIMENSIONS = ["provider", "model", "agent", "kind", "day"] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

export interface UsageRow {
  /** The provider, `provider/model`, agent, kind of job or day (`2026-11-23`, UTC). */
  readonly key: string;
  readonly requests: number;
  readonly failures: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input + output. */
  readonly totalTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  /** Micro-USD; attempts of unknown price (`unpriced`) are not in it. */
  readonly costMicroUsd: number;
  /** The part of `costMicroUsd` that is an upper bound, because nobody knows whether it was billed. */
  readonly possiblyBilledMicroUsd: number;
  readonly unpriced: number;
  readonly averageMs: number;
  /** Within ±9 %; `null` by agent and by kind, where no distribution is kept. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Texts that came from the cache: they are no requests, and cost nothing. */
  readonly cacheHits: number;
  /** Of the texts that were finished on these days; `null`: none has a score, or they are grouped by kind. */
  readonly feedback: FeedbackMean | null;
}

export interface FeedbackMean {
  /** Texts with a score. */
  readonly count: number;
  /** 0–1 */
  readonly mean: number;
}

export interface UsageQuery {
  readonly by: UsageDimension;
  /** The last day counted, epoch ms. */
  readonly now: number;
  /** How many days, that one included. */
  readonly days: number;
}

/** What the counters say, by one dimension, in order of cost. Days come in order of time. */
export async function readUsage(redis: RedisClient, namespace: string, query: UsageQuery): Promise<UsageRow[]> {
  const sums = await sumUp(redis, namespace, query);
  const rows = [...sums].map(([key, sum]) => rowOf(key, sum, query.by));
  return query.by === "day" ? rows : rows.sort((a, b) => b.costMicroUsd - a.costMicroUsd || b.requests - a.requests);
}

/** Everything that is counted of one model, distributions included. */
export interface ModelUsage {
  readonly provider: string;
  readonly model: string;
  /** Outcome → attempts; `succeeded` is one of them. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly tokens: Readonly<Record<"input" | "cached_input" | "output" | "reasoning", number>>;
  readonly costMicroUsd: number;
  readonly unpriced: number;
  readonly durationMs: number;
  /** Bucket, see `latencyOfBucket` → attempts. */
  readonly latencies: ReadonlyMap<number, number>;
  /** Texts with a score, and the sum of those scores. */
  readonly feedback: { readonly count: number; readonly scoreSum: number };
}

export async function readModelUsage(
  redis: RedisClient,
  namespace: string,
  query: Omit<UsageQuery, "by">,
): Promise<ModelUsage[]> {
  const sums = await sumUp(redis, namespace, { ...query, by: "model" });
  return [...sums].map(([key, { counters, latencies, outcomes }]): ModelUsage => {
    const slash = key.indexOf("/");
    const succeeded = Number(counters.requests - counters.failures);
    return {
      provider: key.slice(0, slash),
      model: key.slice(slash + 1),
      outcomes: new Map([["succeeded", succeeded], ...outcomes]),
      tokens: {
        input: Number(counters.inputTokens),
        cached_input: Number(counters.cachedInputTokens),
        output: Number(counters.outputTokens),
        reasoning: Number(counters.reasoningTokens),
      },
      costMicroUsd: microUsdOfPico(counters.costPicoUsd),
      unpriced: Number(counters.unpriced),
      durationMs: Number(counters.durationMs),
      latencies,
      feedback: {
        count: Number(counters.feedbackCount),
        scoreSum: scoreOfThousandths(Number(counters.feedbackMilli)),
      },
    };
  });
}

/** What an earlier version has counted: it did not tell kinds apart. */
export const UNKNOWN_KIND = "unknown";

const SUMMED = [...COUNTERS, ...FEEDBACK_COUNTERS, CACHE_COUNTER] as const;
type Summed = (typeof SUMMED)[number];

interface Sums {
  readonly counters: Record<Summed, bigint>;
  readonly latencies: Map<number, number>;
  readonly outcomes: Map<string, number>;
}

const DAY_MS = 24 * 3600_000;

async function sumUp(redis: RedisClient, namespace: string, { by, now, days }: UsageQuery): Promise<Map<string, Sums>> {
  const names = Array.from({ length: days }, (_, index) => dayOf(now - (days - 1 - index) * DAY_MS));
  const sums = new Map<string, Sums>();
  await visitCounters({ redis, namespace, days: names, byAgent: by === "agent" }, ({ agentId, fields }, position) => {
    add(sums, fields, { by, day: names[position] ?? "", agentId });
  });
  return sums;
}

interface FieldPlace {
  readonly by: UsageDimension;
  readonly day: string;
  readonly agentId: string;
}

function add(
  sums: Map<string, Sums>,
  fields: Readonly<Record<string, string>>,
  { by, day, agentId }: FieldPlace,
): void {
  for (const [field, value] of Object.entries(fields)) {
    const { provider, model, name, kind } = parseCounterField(field);
    if (by === "kind" && isWithoutKind(name)) continue;
    const key = { provider, model: `${provider}/${model}`, agent: agentId, kind: kind ?? UNKNOWN_KIND, day }[by];
    const sum = sums.get(key) ?? {
      counters: emptyCounters(),
      latencies: new Map<number, number>(),
      outcomes: new Map<string, number>(),
    };
    sums.set(key, sum);
    if (name.startsWith(LATENCY)) increase(sum.latencies, Number(name.slice(LATENCY.length)), Number(value));
    else if (name.startsWith(OUTCOME)) increase(sum.outcomes, name.slice(OUTCOME.length), Number(value));
    else if (isCounter(name)) sum.counters[name] += BigInt(value);
  }
}

function isWithoutKind(name: string): boolean {
  return !(COUNTERS as readonly string[]).includes(name) && name !== CACHE_COUNTER;
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function isCounter(name: string): name is Summed {
  return (SUMMED as readonly string[]).includes(name);
}

function emptyCounters(): Sums["counters"] {
  return Object.fromEntries(SUMMED.map((name) => [name, 0n])) as Sums["counters"];
}

function rowOf(key: string, { counters, latencies }: Sums, by: UsageDimension): UsageRow {
  const requests = Number(counters.requests);
  const percentiles = by !== "agent" && by !== "kind";
  return {
    key,
    requests,
    failures: Number(counters.failures),
    inputTokens: Number(counters.inputTokens),
    outputTokens: Number(counters.outputTokens),
    totalTokens: Number(counters.inputTokens + counters.outputTokens),
    cachedInputTokens: Number(counters.cachedInputTokens),
    reasoningTokens: Number(counters.reasoningTokens),
    costMicroUsd: microUsdOfPico(counters.costPicoUsd),
    possiblyBilledMicroUsd: microUsdOfPico(counters.possiblyBilledPicoUsd),
    unpriced: Number(counters.unpriced),
    averageMs: requests === 0 ? 0 : Math.round(Number(counters.durationMs) / requests),
    p50Ms: percentiles ? percentile(latencies, 0.5) : null,
    p95Ms: percentiles ? percentile(latencies, 0.95) : null,
    cacheHits: Number(counters.cacheHits),
    feedback: feedbackOf(counters),
  };
}

function feedbackOf({ feedbackCount, feedbackMilli }: Sums["counters"]): FeedbackMean | null {
  const count = Number(feedbackCount);
  return count === 0 ? null : { count, mean: scoreOfThousandths(Number(feedbackMilli) / count) };
}

function percentile(latencies: ReadonlyMap<number, number>, share: number): number | null {
  const buckets = [...latencies].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= total * share) return latencyOfBucket(bucket);
  }
  return null;
}
