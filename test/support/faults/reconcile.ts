import type { RedisClient } from "../../../src/platform/redis-client.ts";
import { isDeepStrictEqual } from "node:util";
import { controlKeys } from "../../../src/admission/keys.ts";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { parseResultEntry } from "../../../src/job/result-entry.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { keysMatching, readBooks, readEndedJobs, sumOfRows } from "../read-books.ts";

/** One call as the provider saw it. */
export interface LedgerCall {
  readonly jobId: string;
  /** What the worker sends along with a call to those who take it; `null`: this provider does not. */
  readonly attemptId: string | null;
  /** Epoch ms. */
  readonly at: number;
}

/** What a system is to be held against. */
export interface Accounts {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** Jobs that a producer was told are accepted. */
  readonly jobIds: readonly string[];
  /** The ledgers of all providers, together. */
  readonly calls: readonly LedgerCall[];
}

export interface Reconciliation {
  readonly jobs: number;
  readonly calls: number;
  readonly rows: number;
  /** Rows of attempts whose worker died. */
  readonly orphans: number;
  /**
   * Calls that a provider saw and whose answer was of no use to anybody: their worker died or was stopped, or the job had
   * its text already. Calls that the provider itself failed are none.
   */
  readonly extraCalls: number;
  /** Attempts of calls that a provider saw, and whose worker died or gave up before it could record what came of them. */
  readonly lostCalls: readonly string[];
  /** Calls that came after the job had its terminal record. */
  readonly callsAfterRecord: number;
  /** Terminal status → jobs. */
  readonly ended: Readonly<Record<string, number>>;
  /** Whatever breaks I1, I2 or I3, one line each. */
  readonly broken: readonly string[];
}

/** Holds the provider's ledger, usage rows, orphans, terminal records and counters against each other, to the call. */
export async function reconcile({ redis, namespace, jobIds, calls: seen }: Accounts): Promise<Reconciliation> {
  const { rows, counters } = await readBooks(redis, namespace);
  const calls = identify(seen, rows);
  const results = await readResults(redis, namespace, jobIds);
  const { counted, recorded } = await readEndedJobs(redis, namespace);
  const entries = await redis.xrange(controlKeys(namespace).results, "-", "+");
  // By Redis' clock, when the record was written: what ended a job may have been known long before Redis was there again.
  const recordedAt = new Map(
    entries.map(([id, [, entry = ""]]) => [parseResultEntry(entry).jobId, Number.parseInt(id)]),
  );
  const endedAfter = ({ jobId, at }: LedgerCall): boolean => at > (recordedAt.get(jobId) ?? Infinity);
  const hasRecord = new Set(results.map(({ id }) => id));
  const ended = countBy(results, ({ status }) => status);
  const outcomes = new Map(rows.map(({ attemptId, outcome }) => [attemptId, outcome]));
  const lostCalls = calls.map(({ attemptId }) => attemptId).filter((id) => LOST.has(outcomes.get(id) ?? ""));
  const answered = rows.filter(({ outcome }) => outcome === "succeeded").length;
  return {
    jobs: jobIds.length,
    calls: calls.length,
    rows: rows.length,
    orphans: rows.filter(({ outcome }) => outcome === "crashed").length,
    extraCalls: lostCalls.length + answered - (ended["succeeded"] ?? 0),
    lostCalls,
    callsAfterRecord: calls.filter(endedAfter).length,
    ended,
    broken: [
      ...listed(
        "accepted, without a terminal record (I1)",
        jobIds.filter((id) => !hasRecord.has(id)),
      ),
      ...listed(
        "ended more than once (I1)",
        doubles(entries.map(([, [, entry = ""]]) => parseResultEntry(entry).jobId)),
      ),
      ...brokenCalls(rows, calls),
      ...listed("differs from the sum of the rows (I3)", unequal(counters, sumOfRows(rows, namespace))),
      ...listed("is counted otherwise than recorded (I3)", unequal({ ended: counted }, { ended: recorded })),
      ...listed("has open intents (I2)", await keysMatching(redis, `{${namespace}}:intents:*`)),
    ],
  };
}

type IdentifiedCall = LedgerCall & { readonly attemptId: string };

/** The one that is told the attempt's id. */
const NAMES_ATTEMPTS = "openai";

/** Calls without an attempt id are taken for the job's attempts that nothing else accounts for, in order. */
function identify(calls: readonly LedgerCall[], rows: readonly UsageRecord[]): IdentifiedCall[] {
  const unnamed = new Map<string, string[]>();
  for (const { jobId, attemptId, sent, provider } of rows.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (sent === "no" || provider === NAMES_ATTEMPTS) continue;
    unnamed.set(jobId, [...(unnamed.get(jobId) ?? []), attemptId]);
  }
  return calls.map((call) => {
    const attemptId = call.attemptId ?? unnamed.get(call.jobId)?.shift() ?? `${call.jobId}.?`;
    return { ...call, attemptId };
  });
}

function brokenCalls(rows: readonly UsageRecord[], calls: readonly IdentifiedCall[]): string[] {
  const sent = new Map(rows.map((row) => [row.attemptId, row.sent]));
  const seen = new Set(calls.map(({ attemptId }) => attemptId));
  return [
    ...listed("has more than one row (I2)", doubles(rows.map(({ attemptId }) => attemptId))),
    ...listed("was called more than once (I2)", doubles(calls.map(({ attemptId }) => attemptId))),
    ...listed(
      "was called and has no row (I2)",
      [...seen].filter((id) => !sent.has(id)),
    ),
    ...listed(
      "was called and has a row that says it was not (I2)",
      [...seen].filter((id) => sent.get(id) === "no"),
    ),
    ...listed(
      "has a row that says it was sent, and was never called (I2)",
      [...sent].filter(([id, how]) => how === "yes" && !seen.has(id)).map(([id]) => id),
    ),
  ];
}

/** How attempts end whose answer, if there was one, nobody has read. */
const LOST: ReadonlySet<string> = new Set(["crashed", "aborted"]);

/** So many jobs are asked for at once. */
const PAGE = 500;

export async function readResults(
  redis: RedisClient,
  namespace: string,
  jobIds: readonly string[],
): Promise<GenerationResult[]> {
  const keys = controlKeys(namespace);
  const found: GenerationResult[] = [];
  for (let from = 0; from < jobIds.length; from += PAGE) {
    const page = jobIds.slice(from, from + PAGE);
    const records = await Promise.all(page.map(async (id) => await redis.hget(keys.job(id), "result")));
    found.push(...records.flatMap((json) => (json === null ? [] : [JSON.parse(json) as GenerationResult])));
  }
  return found;
}

function doubles(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.has(id) || !seen.add(id));
}

function unequal(actual: Readonly<Record<string, unknown>>, expected: Readonly<Record<string, unknown>>): string[] {
  return [...new Set([...Object.keys(actual), ...Object.keys(expected)])].filter(
    (key) => !isDeepStrictEqual(actual[key], expected[key]),
  );
}

const MOST_NAMED = 5;

function listed(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : "";
  return [`${what}: ${ids.slice(0, MOST_NAMED).join(", ")}${more}`];
}

function countBy<T>(items: readonly T[], name: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1;
  return counts;
}
