import type { RedisClient } from "../../src/platform/redis-client.ts";
import { expect } from "vitest";
import { readBooks, readEndedJobs, sumOfRows, type UsageBooks } from "./read-books.ts";

/**
 * Asserts that every attempt has one row at most, and that the counters of every day, hour and agent are the sum over the
 * rows, no more and no less.
 */
export async function expectBalancedBooks(redis: RedisClient, namespace: string): Promise<UsageBooks> {
  const books = await readBooks(redis, namespace);
  const attemptIds = books.rows.map(({ attemptId }) => attemptId);
  expect(attemptIds, "one row per attempt").toEqual([...new Set(attemptIds)]);
  expect(books.counters, "counters = sum over the rows").toEqual(sumOfRows(books.rows, namespace));
  return books;
}

/** Asserts that the jobs that are counted as ended, by kind and status, are those that have a terminal record. */
export async function expectEndedJobsCounted(redis: RedisClient, namespace: string): Promise<void> {
  const { counted, recorded } = await readEndedJobs(redis, namespace);
  expect(counted, "ended jobs are counted once each").toEqual(recorded);
}
