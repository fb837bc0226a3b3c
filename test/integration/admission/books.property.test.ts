import fc from "fast-check";
import { expect, it } from "vitest";
import type { Admission } from "../../../src/admission/admission.ts";
import { claimJobs } from "../../../src/admission/claims.ts";
import { controlKeys } from "../../../src/admission/keys.ts";
import { sweep } from "../../../src/admission/sweeper.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { searchResults } from "../../../src/storage/result-search.ts";
import { readUsage, type UsageDimension } from "../../../src/storage/usage-report.ts";
import {
  admitRequestOf,
  admissionOf,
  failedRow,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  succeededRow,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";
import { expectBalancedBooks, expectEndedJobsCounted } from "../../support/usage-books.ts";

/*
 * Any sequence of admissions, settlements, deaths and late settlements leaves balanced books, and every result is found. fast-check prints the seed
 * and the path of a failure; `fc.assert(property, { seed, path })` repeats it.
 */

const JOBS = ["a", "b", "c"];
const WORKERS = ["worker-1", "worker-2"];

type Action =
  /** The worker asks for the job's next attempt. */
  | { readonly do: "admit"; readonly job: string; readonly worker: string; readonly deliveries: number }
  /** One of the attempts made so far is settled: for the first time, again, or late. */
  | { readonly do: "settle"; readonly attempt: number; readonly row: RowChoice; readonly ends: boolean }
  /** The worker is taken for dead. */
  | { readonly do: "sweep"; readonly worker: string };

interface RowChoice {
  readonly succeeded: boolean;
  readonly costPicoUsd: number | null;
  readonly durationMs: number;
  readonly inputTokens: number;
}

const rowChoice: fc.Arbitrary<RowChoice> = fc.record({
  succeeded: fc.boolean(),
  costPicoUsd: fc.option(fc.nat({ max: 2_000_000_000 })),
  durationMs: fc.nat({ max: 30_000 }),
  inputTokens: fc.nat({ max: 5_000 }),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("admit" as const),
      job: fc.constantFrom(...JOBS),
      worker: fc.constantFrom(...WORKERS),
      deliveries: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      attempt: fc.nat({ max: 30 }),
      row: rowChoice,
      ends: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("sweep" as const), worker: fc.constantFrom(...WORKERS) }) },
);

/** What the books should show, kept by hand. */
interface Expected {
  /** All attempts ever granted, and who holds them. */
  readonly granted: { readonly intent: UsageRecord; readonly worker: string }[];
  /** Attempt id → its row. */
  readonly rows: Map<string, UsageRecord>;
  readonly settled: Set<string>;
  readonly deliveries: Map<string, number>;
  /** How many terminal records were given. */
  ends: number;
}

it("counters are the sum of the usage rows after any sequence of admit, settle, orphan and late settle", async () => {
  await using test = await openNamespace();
  const { redis } = test;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const namespace = `${test.namespace}-${++runs}`;
      const at = { redis, namespace, keys: controlKeys(namespace) };
      const admissions = new Map(WORKERS.map((id) => [id, admissionOf(at.redis, at.namespace, { workerId: id })]));
      const expected: Expected = { granted: [], rows: new Map(), settled: new Set(), deliveries: new Map(), ends: 0 };
      await claimAll(at);
      for (const next of actions) await perform(next, { at, admissions, expected });

      const { rows } = await expectBalancedBooks(at.redis, at.namespace);
      expect(byId(rows)).toEqual(byId([...expected.rows.values()]));
      await expectTheSameByKind(at);
      await expectEndedJobsCounted(at.redis, at.namespace);
      await expectEveryRecordFound(at);
      for (const { intent, worker } of expected.granted) {
        const isOpen = (await at.redis.sismember(at.keys.intents(worker), intent.attemptId)) === 1;
        expect(isOpen, `${intent.attemptId} is open or has a row`).toBe(!expected.rows.has(intent.attemptId));
      }
    }),
    { numRuns: 150 },
  );
});

type Place = Omit<TestNamespace, typeof Symbol.asyncDispose>;

const COUNTS = ["requests", "failures", "totalTokens", "cachedInputTokens", "reasoningTokens", "unpriced"] as const;
const COSTS = ["costMicroUsd", "possiblyBilledMicroUsd"] as const;

/** All rows are of one day. */
async function expectTheSameByKind({ redis, namespace }: Place): Promise<void> {
  const sumsBy = async (by: UsageDimension): Promise<readonly number[]> => {
    const rows = await readUsage(redis, namespace, { by, now: intentOf("a").startedAt, days: 1 });
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    return [
      ...COUNTS.map((name) => sum(rows.map((row) => row[name]))),
      ...COSTS.map((name) => sum(rows.map((row) => Math.round(row[name] * 1e6)))),
    ];
  };
  expect(await sumsBy("kind"), "the sum by kind is that of the day").toEqual(await sumsBy("day"));
}

/** Each of those that count, once, whatever ends it had before it was retried. */
async function expectEveryRecordFound({ redis, namespace, keys }: Place): Promise<void> {
  const { hits, next } = await searchResults(redis, namespace, { limit: 100 });
  const records = await Promise.all(JOBS.map((id) => redis.hget(keys.job(id), "result")));
  const byText = (texts: readonly string[]): string[] => texts.toSorted();
  expect(next).toBeNull();
  expect(byText(hits.map(({ result }) => JSON.stringify(result)))).toEqual(
    byText(records.filter((json) => json !== null)),
  );
}

interface Stage {
  readonly at: Place;
  readonly admissions: ReadonlyMap<string, Admission>;
  readonly expected: Expected;
}

async function perform(next: Action, stage: Stage): Promise<void> {
  switch (next.do) {
    case "admit":
      return await admit(next, stage);
    case "settle":
      return await settle(next, stage);
    case "sweep":
      return await die(next.worker, stage);
    default:
      return next satisfies never;
  }
}

async function claimAll({ redis, namespace }: Place): Promise<void> {
  const claim = { payloadHash: "p", lane: "l", snapshot: "s", rotates: false };
  const requests = JOBS.map((id) => ({ ...claim, ...ownerOf(id), id }));
  await claimJobs(redis, namespace, { requests, lanes: new Map() });
}

function ownerOf(job: string): Pick<UsageRecord, "agentId" | "kind"> {
  return { agentId: job === "a" ? "ada" : "orbit", kind: job === "b" ? "reply" : "tweet" };
}

/** Asks as a worker does: optimistically first, then with the history that it was told. */
async function admit({ job, worker, deliveries }: Action & { do: "admit" }, stage: Stage): Promise<void> {
  const admission = stage.admissions.get(worker);
  for (let knownAttempts = 0; ;) {
    const intent = intentOf(job, knownAttempts + 1, ownerOf(job));
    const reply = await admission?.admit(admitRequestOf(job, { intent, knownAttempts, deliveries }));
    if (reply?.answer === "granted") stage.expected.granted.push({ intent, worker });
    if (reply?.answer !== "history") return;
    knownAttempts = reply.knownAttempts;
  }
}

async function settle({ attempt, row, ends }: Action & { do: "settle" }, stage: Stage): Promise<void> {
  const { granted, rows, settled } = stage.expected;
  const made = granted[attempt % Math.max(1, granted.length)];
  if (made === undefined) return;
  const final = finalRow(made.intent, row);
  const ended = row.succeeded ? succeededRecord(final.jobId) : unsuccessfulRecord(final.jobId, "failed");
  const record = { ...ended, ...ownerOf(final.jobId), finishedAt: ended.finishedAt + stage.expected.ends++ };
  await stage.admissions.get(made.worker)?.settle(settlementOf(final, { terminal: ends ? record : null }));
  // The first settlement counts, an orphan does not stand in its way.
  if (!settled.has(final.attemptId)) rows.set(final.attemptId, final);
  settled.add(final.attemptId);
}

function finalRow(intent: UsageRecord, { succeeded, costPicoUsd, durationMs, inputTokens }: RowChoice): UsageRecord {
  const costMicroUsd = costPicoUsd === null ? null : costPicoUsd / 1e6;
  const tokens = { outputTokens: 8, cachedInputTokens: 0, reasoningTokens: 0, estimated: false, raw: null };
  return succeeded
    ? succeededRow(intent, { costMicroUsd, durationMs, usage: { inputTokens, ...tokens } })
    : failedRow(intent, { costMicroUsd, durationMs, possiblyBilled: inputTokens % 2 === 0 });
}

async function die(worker: string, { at, expected }: Stage): Promise<void> {
  const { redis, namespace } = at;
  await sweep([worker], { redis, namespace, workerId: "sweeper", retention: RETENTION, onOrphan: () => undefined });
  for (const { intent, worker: holder } of expected.granted) {
    if (holder === worker && !expected.rows.has(intent.attemptId)) expected.rows.set(intent.attemptId, intent);
  }
}

function byId(rows: readonly UsageRecord[]): UsageRecord[] {
  return [...rows].sort((a, b) => (a.attemptId < b.attemptId ? -1 : 1));
}
