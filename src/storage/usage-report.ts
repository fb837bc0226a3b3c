import type { Redis } from "ioredis";
import { controlKeys } from "../admission/keys.ts";
import {
  COUNTERS,
  dayOf,
  latencyOfBucket,
  microUsdOfPico,
  parseCounterField,
  type Counter,
} from "../job/usage-counters.ts";

export const USAGE_DIMENSIONS = ["provider", "model", "agent", "day"] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

export interface UsageRow {
  /** The provider, `provider/model`, agent or day (`2026-11-23`, UTC). */
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
  /** Within ±9 %; `null` by agent, where no distribution is kept. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface UsageQuery {
  readonly by: UsageDimension;
  /** The last day counted, epoch ms. */
  readonly now: number;
  /** How many days, that one included. */
  readonly days: number;
}

/** What the counters say, by one dimension, in order of cost. Days come in order of time. */
export async function readUsage(redis: Redis, namespace: string, query: UsageQuery): Promise<UsageRow[]> {
  const sums = new Map<string, Sums>();
  for (let back = query.days - 1; back >= 0; back--) {
    const day = dayOf(query.now - back * 24 * 3600_000);
    for (const { agentId, fields } of await readDay(redis, namespace, { day, by: query.by }))
      add(sums, fields, { by: query.by, day, agentId });
  }
  const rows = [...sums].map(([key, sum]) => rowOf(key, sum, query.by));
  return query.by === "day" ? rows : rows.sort((a, b) => b.costMicroUsd - a.costMicroUsd || b.requests - a.requests);
}

interface Sums {
  readonly counters: Record<Counter, bigint>;
  readonly latencies: Map<number, number>;
}

interface DayFields {
  readonly agentId: string;
  readonly fields: Readonly<Record<string, string>>;
}

const AGENTS_PER_ROUND_TRIP = 500;

async function readDay(
  redis: Redis,
  namespace: string,
  { day, by }: { day: string; by: UsageDimension },
): Promise<DayFields[]> {
  const keys = controlKeys(namespace);
  if (by !== "agent") return [{ agentId: "", fields: await redis.hgetall(keys.usageDay(day)) }];
  const agents = await redis.smembers(keys.usageAgents(day));
  const days: DayFields[] = [];
  for (let first = 0; first < agents.length; first += AGENTS_PER_ROUND_TRIP) {
    const batch = agents.slice(first, first + AGENTS_PER_ROUND_TRIP);
    const fields = await Promise.all(batch.map((agentId) => redis.hgetall(keys.usageOfAgent(day, agentId))));
    batch.forEach((agentId, index) => days.push({ agentId, fields: fields[index] ?? {} }));
  }
  return days;
}

function add(
  sums: Map<string, Sums>,
  fields: Readonly<Record<string, string>>,
  at: { by: UsageDimension; day: string; agentId: string },
): void {
  for (const [field, value] of Object.entries(fields)) {
    const { provider, model, name } = parseCounterField(field);
    const key = { provider, model: `${provider}/${model}`, agent: at.agentId, day: at.day }[at.by];
    const sum = sums.get(key) ?? { counters: emptyCounters(), latencies: new Map<number, number>() };
    sums.set(key, sum);
    if (name.startsWith("ms:")) {
      const bucket = Number(name.slice("ms:".length));
      sum.latencies.set(bucket, (sum.latencies.get(bucket) ?? 0) + Number(value));
    } else if (isCounter(name)) {
      sum.counters[name] += BigInt(value);
    }
  }
}

function isCounter(name: string): name is Counter {
  return (COUNTERS as readonly string[]).includes(name);
}

function emptyCounters(): Record<Counter, bigint> {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0n])) as Record<Counter, bigint>;
}

function rowOf(key: string, { counters, latencies }: Sums, by: UsageDimension): UsageRow {
  const requests = Number(counters.requests);
  const percentiles = by !== "agent";
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
  };
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
