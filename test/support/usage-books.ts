import type { Redis } from "ioredis";
import { expect } from "vitest";
import { controlKeys } from "../../src/admission/keys.ts";
import {
  CACHE_COUNTER,
  countersOf,
  dayOf,
  FEEDBACK_COUNTERS,
  parseCounterField,
} from "../../src/job/usage-counters.ts";
import type { UsageRecord } from "../../src/job/usage-record.ts";

/** What a namespace has on its books. */
export interface UsageBooks {
  /** In the order in which they were written. */
  readonly rows: readonly UsageRecord[];
  /** Redis key → counter field → value; fields that are 0 are left out, and those of what is in no row. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export async function readBooks(redis: Redis, namespace: string): Promise<UsageBooks> {
  const keys = controlKeys(namespace);
  const entries = await redis.xrange(keys.usageRows, "-", "+");
  const rows = entries.map(([, fields]) => JSON.parse(fields[1] ?? "") as UsageRecord);
  const counters: Record<string, Record<string, number>> = {};
  for (const key of await keysMatching(redis, `${keys.usageRows}:*`)) {
    if (key.endsWith(":agents")) continue;
    const fields = Object.entries(await redis.hgetall(key)).map(([field, value]) => [field, Number(value)] as const);
    const ofRows = fields.filter(([field]) => !isInNoRow(field));
    if (ofRows.length > 0) counters[key] = Object.fromEntries(ofRows.filter(([, value]) => value !== 0));
  }
  return { rows, counters };
}

function isInNoRow(field: string): boolean {
  return ([...FEEDBACK_COUNTERS, CACHE_COUNTER] as readonly string[]).includes(parseCounterField(field).name);
}

/**
 * Asserts that every attempt has one row at most, and that the counters of every day and agent are the sum over the
 * rows, no more and no less.
 */
export async function expectBalancedBooks(redis: Redis, namespace: string): Promise<UsageBooks> {
  const books = await readBooks(redis, namespace);
  const attemptIds = books.rows.map(({ attemptId }) => attemptId);
  expect(attemptIds, "one row per attempt").toEqual([...new Set(attemptIds)]);
  expect(books.counters, "counters = sum over the rows").toEqual(sumOfRows(books.rows, namespace));
  return books;
}

function sumOfRows(rows: readonly UsageRecord[], namespace: string): UsageBooks["counters"] {
  const keys = controlKeys(namespace);
  const sums: Record<string, Record<string, number>> = {};
  for (const row of rows) {
    const day = dayOf(row.startedAt);
    const increments = countersOf(row);
    add(sums, keys.usageDay(day), increments);
    // Distributions (`ms:…`, `outcome:…`) are not kept by agent.
    const ofAgent = increments.filter(([field]) => !parseCounterField(field).name.includes(":"));
    add(sums, keys.usageOfAgent(day, row.agentId), ofAgent);
  }
  return sums;
}

function add(
  sums: Record<string, Record<string, number>>,
  key: string,
  increments: readonly (readonly [field: string, increment: number])[],
): void {
  const sum = (sums[key] ??= {});
  for (const [field, increment] of increments) sum[field] = (sum[field] ?? 0) + increment;
}

async function keysMatching(redis: Redis, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const keys of redis.scanStream({ match: pattern, count: 1000 })) {
    for (const key of keys as string[]) found.add(key);
  }
  return [...found];
}
