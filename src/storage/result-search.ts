import { controlKeys } from "../admission/keys.ts";
import type { JobKind } from "../job/generation-job.ts";
import type { GenerationResult, TerminalStatus } from "../job/generation-result.ts";
import { parseResultEntry, type ResultEntry } from "../job/result-entry.ts";
import { dayOf } from "../job/usage-counters.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";

export interface ResultQuery {
  readonly agent?: string | undefined;
  readonly kind?: JobKind | undefined;
  readonly status?: TerminalStatus | undefined;
  /** When they were finished: `2026-11-26`, UTC. */
  readonly day?: string | undefined;
  /** `next` of an earlier page. */
  readonly before?: string | undefined;
  /** Hits at most: 1–500. */
  readonly limit: number;
}

export interface ResultHit extends ResultEntry {
  /** `null`: the record is not kept any more; the rest is what the index says. */
  readonly result: GenerationResult | null;
}

export interface ResultPage {
  /** Newest first. */
  readonly hits: readonly ResultHit[];
  /** Where to go on; `null`: there is nothing more. It may stand beside fewer hits than asked for, or none. */
  readonly next: string | null;
}

const MOST_HITS = 500;
/** A call looks through so many entries at most. */
const MOST_SCANNED = 20_000;
const ENTRIES_PER_ROUND_TRIP = 1000;
/** At least: few of them may count. */
const RECORDS_PER_ROUND_TRIP = 50;
const DAY_MS = 24 * 3600_000;
/** How far the clock of a worker, which a record tells, may be from that of Redis, by which entries are ordered. */
const CLOCKS_DIFFER_MS = 3600_000;

/**
 * Searches the terminal records: of one agent the last 1,000, of all together the last 100,000. Each job is told once, as
 * it ended last; one whose record is gone may come again on a later page, if it was retried. A call looks through 20,000
 * entries at most, and then says with `next` where to go on, too, however few hits it has.
 * @throws InvalidInputError for a wrong `before`, `day` or `limit`
 */
export async function searchResults(redis: RedisClient, namespace: string, query: ResultQuery): Promise<ResultPage> {
  const range = rangeOf(query);
  const scan: Scan = { redis, namespace, query, ...range, hits: [], seen: new Set() };
  const { limit } = query;
  for (let scanned = 0; scanned < MOST_SCANNED;) {
    // A filter may pass few of them.
    const count = Math.min(scanned === 0 ? limit + 1 : ENTRIES_PER_ROUND_TRIP, MOST_SCANNED - scanned);
    const entries = await readEntries(scan, count);
    scanned += entries.length;
    await take(scan, entries);
    const { hits } = scan;
    // More than asked for: there is another page.
    if (hits.length > limit)
      return { hits: hits.slice(0, limit).map(({ hit }) => hit), next: hits[limit - 1]?.id ?? null };
    if (entries.length < count) return { hits: hits.map(({ hit }) => hit), next: null };
    scan.before = `(${entries.at(-1)?.id}`;
  }
  return { hits: scan.hits.map(({ hit }) => hit), next: scan.before.slice(1) };
}

interface Entry {
  /** Of the stream. */
  readonly id: string;
  readonly entry: ResultEntry;
}

interface Range {
  /** Ends of a range of Redis, newest first. */
  before: string;
  readonly from: string;
}

interface Scan extends Range {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly query: ResultQuery;
  readonly hits: { readonly id: string; readonly hit: ResultHit }[];
  /** Jobs that were found. */
  readonly seen: Set<string>;
}

async function readEntries({ redis, namespace, query, before, from }: Scan, count: number): Promise<Entry[]> {
  const { results, resultsOf } = controlKeys(namespace);
  const stream = query.agent === undefined ? results : resultsOf(query.agent);
  const entries = await redis.xrevrange(stream, before, from, "COUNT", count);
  return entries.map(([id, fields]) => ({ id, entry: parseResultEntry(fields[1] ?? "") }));
}

/** Adds what is asked for, until there are more hits than that. */
async function take(scan: Scan, entries: readonly Entry[]): Promise<void> {
  const { hits, seen, query } = scan;
  const wanted = entries.filter(({ entry }) => isWanted(entry, query));
  for (let first = 0; first < wanted.length && hits.length <= query.limit;) {
    const batch = wanted.slice(first, first + Math.max(RECORDS_PER_ROUND_TRIP, query.limit + 1 - hits.length));
    first += batch.length;
    const records = await readRecords(scan, batch);
    batch.forEach(({ id, entry }, index) => {
      const record = records[index];
      if (record === undefined || seen.has(entry.jobId)) return;
      seen.add(entry.jobId);
      hits.push({ id, hit: { ...entry, result: record } });
    });
  }
}

function isWanted({ kind, status, finishedAt }: ResultEntry, query: ResultQuery): boolean {
  return (
    (query.kind === undefined || query.kind === kind) &&
    (query.status === undefined || query.status === status) &&
    (query.day === undefined || query.day === dayOf(finishedAt))
  );
}

/** `null`: it is gone. `undefined`: the job has gone on since, and has another record or none yet. */
async function readRecords(
  { redis, namespace }: Scan,
  entries: readonly Entry[],
): Promise<(GenerationResult | null | undefined)[]> {
  const { job } = controlKeys(namespace);
  const read = await Promise.all(entries.map(({ entry }) => redis.hmget(job(entry.jobId), "result", "payload")));
  return read.map(([json, payload], index) => {
    if (!json) return payload ? undefined : null;
    const result = JSON.parse(json) as GenerationResult;
    const told = entries[index]?.entry;
    return result.status === told?.status && result.finishedAt === told.finishedAt ? result : undefined;
  });
}

function rangeOf({ before, day, limit }: ResultQuery): Range {
  const dayAt = day === undefined ? null : Date.parse(`${day}T00:00:00Z`);
  refuseUnless([
    [before === undefined || CURSOR.test(before), "before", before, "the `next` of an earlier page"],
    [day === undefined || isDay(day, dayAt), "day", day, "a day such as 2026-11-26"],
    [Number.isInteger(limit) && limit >= 1 && limit <= MOST_HITS, "limit", limit, `an integer from 1 to ${MOST_HITS}`],
  ]);
  const cursor = before === undefined ? "+" : `(${before}`;
  if (dayAt === null) return { before: cursor, from: "-" };
  const endAt = Math.max(0, dayAt + DAY_MS + CLOCKS_DIFFER_MS);
  const isInside = before !== undefined && timeOf(before) < endAt;
  return { before: isInside ? cursor : String(endAt), from: String(Math.max(0, dayAt - CLOCKS_DIFFER_MS)) };
}

type Rule = readonly [isKept: boolean, path: keyof ResultQuery, got: unknown, expected: string];

function refuseUnless(rules: readonly Rule[]): void {
  const broken = rules.filter(([isKept]) => !isKept);
  const problems = broken.map(([, path, got, expected]) => ({ source: "search", path, got: showValue(got), expected }));
  if (problems.length > 0) throw new InvalidInputError(problems);
}

/** An id of a stream: `<epoch ms>-<number>`. */
const CURSOR = /^(?!0+-0+$)\d{1,15}-\d{1,15}$/;

function timeOf(cursor: string): number {
  return Number(cursor.split("-")[0]);
}

function isDay(day: string, at: number | null): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) && at !== null && !Number.isNaN(at) && dayOf(at) === day;
}
