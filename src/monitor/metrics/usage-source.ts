import { dayOf } from "../../job/usage-counters.ts";
import type { RedisClient } from "../../platform/redis-client.ts";
import { readModelUsage, type ModelUsage } from "../../storage/usage-report.ts";

/** The counters of usage, by provider and model. */
export interface UsageSource {
  /** Of all days that are kept. @param now epoch ms */
  total(now: number): Promise<readonly ModelUsage[]>;
  /** Since midnight UTC. */
  today(now: number): Promise<readonly ModelUsage[]>;
}

/** Counters live this long, so metrics that only grow are their sum over that time. */
const COUNTER_DAYS = 400;
/** Calls count for the day on which they began; a batch may take a day longer. */
const CHANGING_DAYS = 3;
/** Earlier days change by feedback alone. Reading them takes most of a second when there is a year of them. */
const KEPT_MS = 3600_000;
const DAY_MS = 24 * 3600_000;

interface PastUsage {
  readonly day: string;
  readonly readAt: number;
  readonly models: Promise<readonly ModelUsage[]>;
}

/** What was read of days that do not change any more is kept for an hour. */
export function createUsageSource(redis: RedisClient, namespace: string): UsageSource {
  const read = async (now: number, days: number): Promise<readonly ModelUsage[]> =>
    await readModelUsage(redis, namespace, { now, days });
  let past: PastUsage | null = null;
  const pastOf = async (now: number): Promise<readonly ModelUsage[]> => {
    const day = dayOf(now);
    if (past?.day !== day || now - past.readAt > KEPT_MS || now < past.readAt) {
      const models = read(now - CHANGING_DAYS * DAY_MS, COUNTER_DAYS - CHANGING_DAYS);
      past = { day, readAt: now, models };
      models.catch(() => (past = null));
    }
    return await past.models;
  };
  return {
    async total(now) {
      const [earlier, lately] = await Promise.all([pastOf(now), read(now, CHANGING_DAYS)]);
      return addUp([...earlier, ...lately]);
    },
    today: async (now) => await read(now, 1),
  };
}

/** One entry for each model. */
function addUp(usage: readonly ModelUsage[]): ModelUsage[] {
  const byModel = Map.groupBy(usage, ({ provider, model }) => `${provider}/${model}`);
  return [...byModel.values()].map((parts) => parts.reduce(sum));
}

function sum(a: ModelUsage, b: ModelUsage): ModelUsage {
  return {
    ...{ provider: a.provider, model: a.model },
    outcomes: sumOfMaps(a.outcomes, b.outcomes),
    tokens: {
      input: a.tokens.input + b.tokens.input,
      cached_input: a.tokens.cached_input + b.tokens.cached_input,
      output: a.tokens.output + b.tokens.output,
      reasoning: a.tokens.reasoning + b.tokens.reasoning,
    },
    costMicroUsd: a.costMicroUsd + b.costMicroUsd,
    unpriced: a.unpriced + b.unpriced,
    durationMs: a.durationMs + b.durationMs,
    latencies: sumOfMaps(a.latencies, b.latencies),
    feedback: {
      count: a.feedback.count + b.feedback.count,
      scoreSum: Math.round((a.feedback.scoreSum + b.feedback.scoreSum) * 1000) / 1000,
    },
  };
}

function sumOfMaps<Key>(a: ReadonlyMap<Key, number>, b: ReadonlyMap<Key, number>): ReadonlyMap<Key, number> {
  const sums = new Map(a);
  for (const [key, value] of b) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
}
