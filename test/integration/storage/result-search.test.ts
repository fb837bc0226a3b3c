import { expect, it } from "vitest";
import { cancelJob, claimJobs } from "../../../src/admission/claims.ts";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import type { JobKind } from "../../../src/job/generation-job.ts";
import { dayOf } from "../../../src/job/usage-counters.ts";
import { formatResultEntry } from "../../../src/job/result-entry.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { searchResults, type ResultQuery } from "../../../src/storage/result-search.ts";
import { createRunBook } from "../../../src/storage/run-book.ts";
import {
  admissionOf,
  admitRequestOf,
  endOf,
  failedRow,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";

async function claim(at: TestNamespace, id: string, kind: JobKind = "tweet"): Promise<void> {
  const job = { payloadHash: "p", lane: "l", snapshot: "s", agentId: "ada", kind, rotates: false };
  await claimJobs(at.redis, at.namespace, { requests: [{ id, ...job }], lanes: new Map(), retryFailed: true });
}

/** Claims a job and ends it. */
async function end(at: TestNamespace, record: GenerationResult): Promise<void> {
  await claim(at, record.id);
  await admissionOf(at.redis, at.namespace).settle({ ...endOf(record), agentId: record.agentId });
}

async function idsOf(at: TestNamespace, query: Partial<ResultQuery> = {}): Promise<string[]> {
  const { hits } = await searchResults(at.redis, at.namespace, { limit: 50, ...query });
  return hits.map(({ jobId }) => jobId);
}

it("tells newest first, page by page, with the records", async () => {
  await using at = await openNamespace();
  const ids = ["a", "b", "c", "d", "e"];
  for (const id of ids) await end(at, succeededRecord(id, `Text of ${id}.`));
  const pages: string[][] = [];
  let before: string | undefined;
  do {
    const page = await searchResults(at.redis, at.namespace, { limit: 2, before });
    pages.push(page.hits.map(({ jobId }) => jobId));
    before = page.next ?? undefined;
  } while (before !== undefined);
  expect(pages).toEqual([["e", "d"], ["c", "b"], ["a"]]);

  const exact = await searchResults(at.redis, at.namespace, { limit: 5 });
  expect(exact.next, "there is no empty page at the end").toBeNull();
  const result = succeededRecord("e", "Text of e.");
  const { agentId, kind, status, finishedAt } = result;
  expect(exact.hits[0]).toEqual({ jobId: "e", agentId, kind, status, finishedAt, result });
});

it("finds by agent, kind, status and day, together as well", async () => {
  await using at = await openNamespace();
  const now = Date.now();
  const midnight = now - (now % 86_400_000);
  const today = dayOf(now);
  await end(at, { ...succeededRecord("a"), finishedAt: midnight - 1 });
  await end(at, { ...succeededRecord("b"), kind: "reply", finishedAt: midnight });
  await end(at, { ...unsuccessfulRecord("c", "failed"), kind: "reply", agentId: "orbit", finishedAt: now });
  expect(await idsOf(at)).toEqual(["c", "b", "a"]);
  expect(await idsOf(at, { agent: "ada" })).toEqual(["b", "a"]);
  expect(await idsOf(at, { agent: "nobody" })).toEqual([]);
  expect(await idsOf(at, { kind: "reply" })).toEqual(["c", "b"]);
  expect(await idsOf(at, { status: "failed" })).toEqual(["c"]);
  expect(await idsOf(at, { day: today })).toEqual(["c", "b"]);
  expect(await idsOf(at, { day: "2026-01-01" })).toEqual([]);
  expect(await idsOf(at, { agent: "ada", kind: "reply", status: "succeeded", day: today })).toEqual(["b"]);
  expect(await idsOf(at, { agent: "orbit", status: "succeeded" })).toEqual([]);
});

it("by day looks no further than the day, and an hour for clocks that differ", async () => {
  await using at = await openNamespace();
  const midnight = Date.UTC(2026, 10, 26);
  const add = async (writtenAt: number, id: string, finishedAt: number): Promise<void> => {
    const entry = formatResultEntry({ ...succeededRecord(id), finishedAt });
    await at.redis.xadd(at.keys.results, `${writtenAt}-0`, "job", entry);
  };
  await add(midnight - 3000_000, "early-by-the-clock", midnight + 1000);
  await add(midnight + 500, "of-the-day-before", midnight - 1);
  await add(midnight + 86_400_000 + 1, "of-the-day", midnight + 86_399_999);
  await add(midnight + 86_400_000 + 2, "of-the-day-after", midnight + 86_400_000);
  expect(await idsOf(at, { day: "2026-11-26" })).toEqual(["of-the-day", "early-by-the-clock"]);
  const later = `${midnight + 9 * 86_400_000}-0`;
  expect(await idsOf(at, { day: "2026-11-26", before: later })).toHaveLength(2);
  const within = `${midnight + 86_400_000}-0`;
  expect(await idsOf(at, { day: "2026-11-26", before: within })).toEqual(["early-by-the-clock"]);
});

it("a job that is settled again, by whomever, is listed once", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await end(at, unsuccessfulRecord("a", "failed"));
  await admission.settle(endOf(unsuccessfulRecord("a", "failed")));
  await admission.settle(endOf(succeededRecord("a")));
  expect(await at.redis.xlen(at.keys.results)).toBe(1);
  expect(await at.redis.xlen(at.keys.resultsOf("ada"))).toBe(1);
});

it("a cancelled job is listed as well", async () => {
  await using at = await openNamespace();
  await claim(at, "a", "reply");
  const { resultsMs, countersMs } = RETENTION;
  await cancelJob(at.redis, at.namespace, { jobId: "a", resultsMs, countersMs, now: Date.now() });
  const { hits } = await searchResults(at.redis, at.namespace, { agent: "ada", limit: 5 });
  expect(hits).toEqual([expect.objectContaining({ jobId: "a", kind: "reply", status: "cancelled" })]);
  expect(hits[0]?.result).toMatchObject({ reason: "cancelled before a provider was called" });
});

it("a job that was retried is told as it ended last, and not at all while it goes on", async () => {
  await using at = await openNamespace();
  await end(at, { ...unsuccessfulRecord("a", "failed"), finishedAt: 1000 });
  await end(at, succeededRecord("b"));
  await claim(at, "a");
  expect(await idsOf(at), "it goes on").toEqual(["b"]);
  await end(at, { ...unsuccessfulRecord("a", "failed"), finishedAt: 2000 });
  expect(await idsOf(at)).toEqual(["a", "b"]);
  const { next } = await searchResults(at.redis, at.namespace, { limit: 1 });
  expect(await idsOf(at, { before: next ?? "" }), "nor on a later page").toEqual(["b"]);
});

it("a result whose record is gone is told as the index knows it", async () => {
  await using at = await openNamespace();
  const record = { ...unsuccessfulRecord("a", "held"), kind: "thread", agentId: "orbit" } as const;
  await end(at, record);
  await createRunBook(at.redis, at.namespace, { now: Date.now }).forget(["a"]);
  await at.redis.pexpire(at.keys.job("a"), 0);
  const { hits } = await searchResults(at.redis, at.namespace, { limit: 5 });
  const { agentId, kind, status, finishedAt } = record;
  expect(hits).toEqual([{ jobId: "a", agentId, kind, status, finishedAt, result: null }]);
});

/** Adds entries to a stream, oldest first, as SETTLE would. */
async function fill(at: TestNamespace, stream: string, count: number): Promise<void> {
  const script = `for index = 1, tonumber(ARGV[2]) do redis.call('XADD', KEYS[1], '*', 'job', 'filler-' .. index .. ARGV[1]) end`;
  const rest = formatResultEntry(succeededRecord(""));
  await at.redis.eval(script, 1, stream, rest, count);
}

it("looks through 20,000 entries at a time, and says where to go on", async () => {
  await using at = await openNamespace();
  await end(at, unsuccessfulRecord("needle", "expired"));
  await fill(at, at.keys.results, 20_500);
  const query = { status: "expired", limit: 10 } as const;
  const first = await searchResults(at.redis, at.namespace, query);
  expect(first.hits).toEqual([]);
  expect(first.next).not.toBeNull();
  const second = await searchResults(at.redis, at.namespace, { ...query, before: first.next ?? "" });
  expect(second.hits.map(({ jobId }) => jobId)).toEqual(["needle"]);
  expect(second.next).toBeNull();
});

it("the index is bounded: about 1,000 of an agent, 100,000 of all", async () => {
  await using at = await openNamespace();
  await fill(at, at.keys.resultsOf("ada"), 1500);
  await fill(at, at.keys.results, 100_500);
  await end(at, succeededRecord("a"));
  // Redis trims whole nodes.
  expect(await at.redis.xlen(at.keys.resultsOf("ada"))).toBeLessThanOrEqual(1100);
  expect(await at.redis.xlen(at.keys.results)).toBeLessThanOrEqual(100_100);
  expect((await idsOf(at, { limit: 1 }))[0]).toBe("a");
});

it.each([
  ["before", { before: "yesterday" }, 'search before: got "yesterday"; expected the `next` of an earlier page'],
  ["before", { before: "1-99999999999999999999" }, "search before: got "],
  ["day", { day: "2026-02-30" }, 'search day: got "2026-02-30"; expected a day such as 2026-11-26'],
  ["day", { day: "26.11.2026" }, "search day: got "],
  ["limit", { limit: 0 }, "search limit: got 0; expected an integer from 1 to 500"],
  ["limit", { limit: 501 }, "search limit: got 501; expected"],
])("refuses a wrong %s: %j", async (path, wrong, message) => {
  await using at = await openNamespace();
  const search = searchResults(at.redis, at.namespace, { limit: 5, ...wrong });
  await expect(search).rejects.toThrow(message);
  await expect(search).rejects.toBeInstanceOf(InvalidInputError);
  await expect(search).rejects.toMatchObject({ problems: [{ path }] });
});

it("an attempt that ends nothing is not listed", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(admitRequestOf("a"));
  await admission.settle(settlementOf(failedRow(intentOf("a"))));
  expect(await idsOf(at)).toEqual([]);
});
