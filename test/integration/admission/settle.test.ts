import { expect, it } from "vitest";
import type { AdmitRequest, Settlement } from "../../../src/admission/admission.ts";
import { sweep } from "../../../src/admission/sweeper.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { readUsage } from "../../../src/storage/usage-report.ts";
import {
  admitRequestOf,
  admissionOf,
  endOf,
  failedRow,
  intentOf,
  losingFirstReply,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  succeededRow,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";
import { readBooks } from "../../support/read-books.ts";
import { expectBalancedBooks } from "../../support/usage-books.ts";

const GROUP = "openai/gpt-6-luna#1a2b3c4d";
const DAY = "2026-11-23";

function requestOf(intent: UsageRecord): AdmitRequest {
  return admitRequestOf(intent.jobId, { intent, knownAttempts: intent.attempt - 1 });
}

/** Admits an attempt and settles it. */
async function run(
  at: TestNamespace,
  row: UsageRecord,
  changes: Partial<Settlement> = {},
): Promise<ReturnType<ReturnType<typeof admissionOf>["settle"]>> {
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(requestOf(intentOf(row.jobId, row.attempt)));
  return await admission.settle(settlementOf(row, changes));
}

it("writes row, counters and terminal record in one step, and closes the intent", async () => {
  await using at = await openNamespace();
  const row = succeededRow(intentOf("a"));
  const record = succeededRecord("a");
  expect(await run(at, row, { terminal: record })).toEqual({ record, hasOpenedBreaker: false });

  const { rows, counters } = await expectBalancedBooks(at.redis, at.namespace);
  expect(rows).toEqual([row]);
  // By hand: 320 ms is in bucket round(4 · log2 320) = 33, and 7.1 micro-USD are 7,100,000 pico-USD.
  const ofAgent = {
    "openai|gpt-6-luna|requests": 1,
    "openai|gpt-6-luna|inputTokens": 40,
    "openai|gpt-6-luna|outputTokens": 8,
    "openai|gpt-6-luna|cachedInputTokens": 10,
    "openai|gpt-6-luna|costPicoUsd": 7_100_000,
    "openai|gpt-6-luna|durationMs": 320,
  };
  const ofKind = Object.fromEntries(Object.entries(ofAgent).map(([field, value]) => [`${field}|tweet`, value]));
  expect(counters[at.keys.usageOfAgent(DAY, "ada")]).toEqual(ofAgent);
  expect(counters[at.keys.usageDay(DAY)]).toEqual({ ...ofKind, "openai|gpt-6-luna|ms:33": 1 });
  expect(counters[at.keys.usageHour(`${DAY}T12`)]).toEqual({
    "openai|gpt-6-luna|requests|tweet": 1,
    "openai|gpt-6-luna|inputTokens|tweet": 40,
    "openai|gpt-6-luna|outputTokens|tweet": 8,
    "openai|gpt-6-luna|costPicoUsd|tweet": 7_100_000,
  });
  expect(await at.redis.smembers(at.keys.usageAgents(DAY))).toEqual(["ada"]);

  const job = await at.redis.hgetall(at.keys.job("a"));
  expect(JSON.parse(job["result"] ?? "")).toEqual(record);
  expect(job).toMatchObject({ status: "succeeded", deliveries: "0", attempts: "1", "state:1": "settled" });
  expect(job, "the record tells the attempts").not.toHaveProperty("row:1");
  expect(await at.redis.exists(at.keys.intents("worker-1"))).toBe(0);
});

it("keeps the row with the job while the job goes on", async () => {
  await using at = await openNamespace();
  const row = failedRow(intentOf("a"));
  expect(await run(at, row)).toEqual({ record: null, hasOpenedBreaker: false });
  expect(JSON.parse((await at.redis.hget(at.keys.job("a"), "row:1")) ?? "")).toEqual(row);
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([row]);
});

it("twice is once: no second row, nothing counted again, the same answer", async () => {
  await using at = await openNamespace();
  const row = succeededRow(intentOf("a"));
  const terminal = succeededRecord("a");
  await run(at, row, { terminal });
  const before = await readBooks(at.redis, at.namespace);
  const admission = admissionOf(at.redis, at.namespace);
  expect(await admission.settle(settlementOf(row, { terminal }))).toEqual({
    record: terminal,
    hasOpenedBreaker: false,
  });
  expect(await admission.settle(settlementOf(row))).toEqual({ record: terminal, hasOpenedBreaker: false });
  expect(await readBooks(at.redis, at.namespace)).toEqual(before);
});

it("is sent again when its reply was lost, and still counts once", async () => {
  await using at = await openNamespace();
  const row = succeededRow(intentOf("a"));
  const terminal = succeededRecord("a");
  await admissionOf(at.redis, at.namespace).admit(requestOf(intentOf("a")));
  const failures: Error[] = [];
  const admission = admissionOf(losingFirstReply(at.redis), at.namespace, { failures });
  expect(await admission.settle(settlementOf(row, { terminal }))).toEqual({
    record: terminal,
    hasOpenedBreaker: false,
  });
  expect(failures).toHaveLength(1);
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([row]);
});

it("the first terminal record wins, also against one of the same millisecond", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const first = unsuccessfulRecord("a", "cancelled");
  const second = succeededRecord("a");
  expect(second.finishedAt).toBe(first.finishedAt);
  expect(await admission.settle(endOf(first))).toEqual({ record: first, hasOpenedBreaker: false });
  expect(await run(at, succeededRow(intentOf("a")), { terminal: second })).toEqual({
    record: first,
    hasOpenedBreaker: false,
  });
  expect(JSON.parse((await at.redis.hget(at.keys.job("a"), "result")) ?? "")).toEqual(first);
  expect(await at.redis.hget(at.keys.job("a"), "status")).toBe("cancelled");
});

it("of many that end a job at once, one wins and everybody is told which", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) => admission.settle(endOf(succeededRecord("a", `text ${index}`)))),
  );
  const stored: unknown = JSON.parse((await at.redis.hget(at.keys.job("a"), "result")) ?? "");
  for (const reply of replies) expect(reply.record).toEqual(stored);
});

it("announces the terminal record once, and nothing while the job goes on", async () => {
  await using at = await openNamespace();
  const heard: string[] = [];
  const subscriber = at.redis.duplicate();
  try {
    subscriber.on("message", (_channel, jobId: string) => heard.push(jobId));
    await subscriber.subscribe(at.keys.settledChannel);
    await run(at, failedRow(intentOf("a")));
    await run(at, succeededRow(intentOf("a", 2)), { terminal: succeededRecord("a") });
    await admissionOf(at.redis, at.namespace).settle(endOf(unsuccessfulRecord("a", "failed")));
    // What is published on the same channel later arrives later.
    await at.redis.publish(at.keys.settledChannel, "end");
    await expect.poll(() => heard).toContain("end");
    expect(heard).toEqual(["a", "end"]);
  } finally {
    subscriber.disconnect();
  }
});

it("a late settlement replaces its orphan: the row and every counter", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const other = succeededRow(intentOf("b"), { costMicroUsd: 3.3 });
  await run(at, other);
  await admission.admit(requestOf(intentOf("a")));
  await orphan(at, "a.1");
  const orphaned = await expectBalancedBooks(at.redis, at.namespace);
  expect(orphaned.rows).toEqual([other, intentOf("a")]);
  expect(orphaned.counters[at.keys.usageDay(DAY)]).toMatchObject({
    "openai|gpt-6-luna|possiblyBilledPicoUsd|tweet": 140_500_000,
    "openai|gpt-6-luna|costPicoUsd|tweet": 143_800_000,
  });

  const late = succeededRow(intentOf("a"));
  await admission.settle(settlementOf(late));
  const settled = await expectBalancedBooks(at.redis, at.namespace);
  expect(settled.rows).toEqual([other, late]);
  expect(settled.counters[at.keys.usageDay(DAY)]).toMatchObject({ "openai|gpt-6-luna|costPicoUsd|tweet": 10_400_000 });
  expect(settled.counters[at.keys.usageDay(DAY)]).not.toHaveProperty("openai|gpt-6-luna|possiblyBilledPicoUsd|tweet");

  await admission.settle(settlementOf(late));
  await orphan(at, "a.1");
  expect(await readBooks(at.redis, at.namespace), "neither again, nor back to an orphan").toEqual(settled);
});

it("a late settlement is counted after the job has ended too, and leaves its record alone", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(requestOf(intentOf("a")));
  await orphan(at, "a.1");
  const record = succeededRecord("a", "of the second attempt");
  await run(at, succeededRow(intentOf("a", 2)), { terminal: record });
  const late = failedRow(intentOf("a"));
  expect(await admission.settle(settlementOf(late, { terminal: unsuccessfulRecord("a", "failed") }))).toEqual({
    record,
    hasOpenedBreaker: false,
  });
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows.map(({ attemptId }) => attemptId).sort()).toEqual([
    "a.1",
    "a.2",
  ]);
  expect(await at.redis.pttl(at.keys.job("a"))).toBeGreaterThan(0);
});

it("pauses only grow", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const pause = async (forMs: number, why: "rate-limited" | "quota-exhausted"): Promise<void> => {
    const end = endOf(unsuccessfulRecord("a", "failed"));
    await admission.settle({ ...end, pause: { scope: "limit-group", name: GROUP, forMs, why } });
  };
  const state = async (): Promise<(string | null)[]> =>
    await at.redis.hmget(at.keys.limitGroup(GROUP), "pausedUntil", "why");
  await pause(600_000, "quota-exhausted");
  const long = await state();
  expect(long[1]).toBe("quota-exhausted");
  const expiry = await at.redis.pexpiretime(at.keys.limitGroup(GROUP));
  await pause(1_000, "rate-limited");
  expect(await state(), "a shorter one changes nothing").toEqual(long);
  expect(await at.redis.pexpiretime(at.keys.limitGroup(GROUP))).toBe(expiry);
  await pause(900_000, "rate-limited");
  const longer = await state();
  expect(Number(longer[0]) - Number(long[0])).toBeGreaterThanOrEqual(300_000);
  expect(longer[1]).toBe("rate-limited");
});

it("everything written has its time to live, counted from the end of the job", async () => {
  await using at = await openNamespace();
  await run(at, failedRow(intentOf("a")), {
    pause: { scope: "limit-group", name: GROUP, forMs: 5_000, why: "rate-limited" },
  });
  expect(await at.redis.pttl(at.keys.job("a")), "a job that is not finished lives for months").toBeGreaterThan(
    89 * 24 * 3600_000,
  );
  const within = async (key: string, ms: number): Promise<void> => {
    const left = await at.redis.pttl(key);
    expect(left, `life of ${key}`).toBeGreaterThan(0);
    expect(left, `life of ${key}`).toBeLessThanOrEqual(ms);
  };
  await within(at.keys.limitGroup(GROUP), 24 * 3600_000 + 5_000);
  await within(at.keys.usageDay(DAY), RETENTION.countersMs);
  await within(at.keys.usageOfAgent(DAY, "ada"), RETENTION.countersMs);
  await within(at.keys.usageAgents(DAY), RETENTION.countersMs);
  await within(at.keys.usageHour(`${DAY}T12`), 8 * 24 * 3600_000);
  await admissionOf(at.redis, at.namespace).settle(endOf(unsuccessfulRecord("a", "failed")));
  await within(at.keys.job("a"), RETENTION.resultsMs);
  await within(at.keys.resultsOf("ada"), RETENTION.resultsMs);
  await within(at.keys.usageTexts(DAY), RETENTION.countersMs);
});

it("counts fractions of a micro-USD exactly", async () => {
  await using at = await openNamespace();
  // 0.1 + 0.2 is not 0.3 in floating point; in pico-USD nothing is lost.
  const costs = [0.1, 0.2, 117.65, 0.000001, 12_345_678.901234];
  for (const [index, costMicroUsd] of costs.entries()) {
    await run(at, succeededRow(intentOf(`job${index}`), { costMicroUsd }));
  }
  const { counters } = await expectBalancedBooks(at.redis, at.namespace);
  expect(counters[at.keys.usageDay(DAY)]?.["openai|gpt-6-luna|costPicoUsd|tweet"]).toBe(12_345_796_851_235);
  const [row] = await readUsage(at.redis, at.namespace, { by: "provider", now: Date.UTC(2026, 10, 23, 20), days: 1 });
  expect(row?.costMicroUsd).toBe(12_345_796.851235);
});

it("an unknown price is counted apart and costs nothing", async () => {
  await using at = await openNamespace();
  await run(at, succeededRow(intentOf("a"), { model: "grok-1", costMicroUsd: null }));
  const { counters } = await expectBalancedBooks(at.redis, at.namespace);
  const day = counters[at.keys.usageDay(DAY)];
  expect(day?.["openai|grok-1|unpriced|tweet"]).toBe(1);
  expect(day).not.toHaveProperty("openai|grok-1|costPicoUsd|tweet");
});

it("an attempt counts for the day and the hour in which it started, and an agent for itself", async () => {
  await using at = await openNamespace();
  const changes = { startedAt: Date.UTC(2026, 10, 22, 23, 59, 59, 999), agentId: "orbit" };
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(requestOf(intentOf("a", 1, changes)));
  await admission.settle(settlementOf(succeededRow(intentOf("a", 1, changes))));
  await run(at, succeededRow(intentOf("b")));
  const { counters } = await expectBalancedBooks(at.redis, at.namespace);
  expect(Object.keys(counters).sort()).toEqual(
    [
      at.keys.usageDay("2026-11-22"),
      at.keys.usageHour("2026-11-22T23"),
      at.keys.usageOfAgent("2026-11-22", "orbit"),
      at.keys.usageDay(DAY),
      at.keys.usageHour(`${DAY}T12`),
      at.keys.usageOfAgent(DAY, "ada"),
    ].sort(),
  );
});

it("keeps about as many rows as it was told to", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace, { retention: { ...RETENTION, usageRows: 100 } });
  const rows = Array.from({ length: 1000 }, (_, index) => succeededRow(intentOf(`job${index}`)));
  await Promise.all(rows.map((row) => admission.settle(settlementOf(row))));
  const length = await at.redis.xlen(at.keys.usageRows);
  // Redis trims whole nodes of its stream, 100 entries each by default.
  expect(length).toBeGreaterThanOrEqual(100);
  expect(length).toBeLessThanOrEqual(300);
});

/** Turns an intent into an orphan, if it is open. */
async function orphan(at: TestNamespace, attemptId: string): Promise<void> {
  await at.redis.sadd(at.keys.intents("worker-1"), attemptId);
  const { redis, namespace } = at;
  await sweep(["worker-1"], { redis, namespace, workerId: "sweeper", retention: RETENTION, onOrphan: () => undefined });
}

it("a worker of an earlier generation does not end the job that was retried since", async () => {
  await using at = await openNamespace();
  const [late, other] = [intentOf("a", 1), intentOf("a", 2)];
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(requestOf(late));
  await admission.admit(requestOf(other));
  const failed = unsuccessfulRecord("a", "failed");
  await admission.settle(settlementOf(failedRow(other), { terminal: failed }));
  // Bull Board's Retry: one delivery more than the failure was recorded with.
  const retried = await admission.admit({ ...requestOf(intentOf("a", 3)), knownAttempts: 0, deliveries: 1 });
  expect(retried).toEqual({ answer: "history", knownAttempts: 2, rows: [] });

  const settled = await admission.settle(settlementOf(succeededRow(late), { terminal: succeededRecord("a") }));
  expect(settled).toEqual({ record: null, hasOpenedBreaker: false });
  expect(await at.redis.hexists(at.keys.job("a"), "result")).toBe(0);
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toHaveLength(2);
});
