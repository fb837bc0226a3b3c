import { Cluster } from "ioredis";
import type { RedisClient } from "../../src/platform/redis-client.ts";
import { controlKeys } from "../../src/admission/keys.ts";
import {
  CACHE_COUNTER,
  countersOf,
  dayOf,
  FEEDBACK_COUNTERS,
  formatDoneField,
  hourOf,
  parseCounterField,
} from "../../src/job/usage-counters.ts";
import type { GenerationResult } from "../../src/job/generation-result.ts";
import type { UsageRecord } from "../../src/job/usage-record.ts";

/** Redis key → counter field → value. */
export type Counters = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What a namespace has on its books. */
export interface UsageBooks {
  /** In the order in which they were written. */
  readonly rows: readonly UsageRecord[];
  /** Fields that are 0 are left out, and those of what is in no row. */
  readonly counters: Counters;
}

export async function readBooks(redis: RedisClient, namespace: string): Promise<UsageBooks> {
  const keys = controlKeys(namespace);
  const entries = await redis.xrange(keys.usageRows, "-", "+");
  const rows = entries.map(([, fields]) => JSON.parse(fields[1] ?? "") as UsageRecord);
  const counters: Record<string, Readonly<Record<string, number>>> = {};
  for (const key of await keysMatching(redis, `${keys.usageRows}:*`)) {
    if (key.endsWith(":agents") || key.endsWith(":texts")) continue;
    const ofRows = (await countsIn(redis, key)).filter(([field]) => !isInNoRow(field));
    if (ofRows.length > 0) counters[key] = withoutZeros(Object.fromEntries(ofRows));
  }
  return { rows, counters };
}

/** What the counters of every day, hour and agent must be. */
export function sumOfRows(rows: readonly UsageRecord[], namespace: string): Counters {
  const keys = controlKeys(namespace);
  const sums: Record<string, Record<string, number>> = {};
  for (const row of rows) {
    const day = dayOf(row.startedAt);
    const { hourly, daily, distributions } = countersOf(row);
    // Distributions are kept neither by kind nor by agent.
    add((sums[keys.usageDay(day)] ??= {}), [...ofKind(row, [...hourly, ...daily]), ...distributions]);
    add((sums[keys.usageHour(hourOf(row.startedAt))] ??= {}), ofKind(row, hourly));
    add((sums[keys.usageOfAgent(day, row.agentId)] ??= {}), [...hourly, ...daily]);
  }
  return sums;
}

/** How many jobs ended in which way: as it was counted, and as the terminal records say. */
export async function readEndedJobs(
  redis: RedisClient,
  namespace: string,
): Promise<{
  readonly counted: Readonly<Record<string, number>>;
  readonly recorded: Readonly<Record<string, number>>;
}> {
  const keys = controlKeys(namespace);
  const counted: Record<string, number> = {};
  for (const key of await keysMatching(redis, `${keys.usageRows}:*:texts`)) add(counted, await countsIn(redis, key));
  const recorded: Record<string, number> = {};
  for (const key of await keysMatching(redis, keys.job("*"))) {
    const json = await redis.hget(key, "result");
    if (json !== null) add(recorded, [[formatDoneField(JSON.parse(json) as GenerationResult), 1]]);
  }
  return { counted: withoutZeros(counted), recorded };
}

type Increments = readonly (readonly [field: string, increment: number])[];

async function countsIn(redis: RedisClient, key: string): Promise<Increments> {
  return Object.entries(await redis.hgetall(key)).map(([field, value]) => [field, Number(value)] as const);
}

function withoutZeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
}

function isInNoRow(field: string): boolean {
  return ([...FEEDBACK_COUNTERS, CACHE_COUNTER] as readonly string[]).includes(parseCounterField(field).name);
}

function ofKind({ kind }: UsageRecord, increments: Increments): Increments {
  return increments.map(([field, increment]) => [`${field}|${kind}`, increment]);
}

function add(sum: Record<string, number>, increments: Increments): void {
  for (const [field, increment] of increments) sum[field] = (sum[field] ?? 0) + increment;
}

export async function keysMatching(redis: RedisClient, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for (const node of redis instanceof Cluster ? redis.nodes("master") : [redis]) {
    for await (const keys of node.scanStream({ match: pattern, count: 1000 })) {
      for (const key of keys as string[]) found.add(key);
    }
  }
  return [...found];
}
