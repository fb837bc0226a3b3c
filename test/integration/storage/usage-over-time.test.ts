import { describe, expect, it } from "vitest";
import { claimJobs } from "../../../src/admission/claims.ts";
import { sweep } from "../../../src/admission/sweeper.ts";
import { CACHE_COUNTER } from "../../../src/job/usage-counters.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { readTexts } from "../../../src/storage/text-report.ts";
import { readUsage } from "../../../src/storage/usage-report.ts";
import { readUsageSeries } from "../../../src/storage/usage-series.ts";
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
  succeededRow,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";
import { expectEndedJobsCounted } from "../../support/usage-books.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.UTC(2026, 10, 23, 12);
const NOW = NOON + 20 * 60_000;

/** Settles a call that succeeded: 40 tokens in, 8 out, 7.1 micro-USD. */
async function call(at: TestNamespace, id: string, changes: Partial<UsageRecord> = {}): Promise<void> {
  await admissionOf(at.redis, at.namespace).settle(settlementOf(succeededRow(intentOf(id), changes)));
}

describe("usage over time", () => {
  it("has every hour, those without usage as well", async () => {
    await using at = await openNamespace();
    await call(at, "a", { startedAt: NOON - 2 * HOUR_MS });
    await call(at, "b", { startedAt: NOON });
    await call(at, "c", { startedAt: NOW, kind: "reply", provider: "grok", model: "grok-4.3", costMicroUsd: 100 });
    await admissionOf(at.redis, at.namespace).settle(settlementOf(failedRow(intentOf("d"), { startedAt: NOW })));
    const series = await readUsageSeries(at.redis, at.namespace, { by: "provider", per: "hour", now: NOW, count: 4 });
    expect(series).toEqual({
      startsAt: [NOON - 3 * HOUR_MS, NOON - 2 * HOUR_MS, NOON - HOUR_MS, NOON],
      stepMs: HOUR_MS,
      series: [
        {
          key: "grok",
          ...{ requests: [0, 0, 0, 1], failures: [0, 0, 0, 0] },
          ...{ inputTokens: [0, 0, 0, 40], outputTokens: [0, 0, 0, 8], costMicroUsd: [0, 0, 0, 100] },
        },
        {
          key: "openai",
          ...{ requests: [0, 1, 0, 2], failures: [0, 0, 0, 1] },
          ...{ inputTokens: [0, 40, 0, 40], outputTokens: [0, 8, 0, 8], costMicroUsd: [0, 7.1, 0, 7.1] },
        },
      ],
    });
  });

  it("groups by model, kind, agent or not at all, by day as well", async () => {
    await using at = await openNamespace();
    await call(at, "a", { startedAt: NOON - DAY_MS });
    await call(at, "b", { startedAt: NOW, kind: "reply" });
    await call(at, "c", { startedAt: NOW, agentId: "orbit", model: "gpt-6-nova" });
    const by = async (dimension: "model" | "kind" | "agent" | "all"): Promise<unknown> => {
      const query = { by: dimension, per: "day", now: NOW, count: 2 } as const;
      const { startsAt, stepMs, series } = await readUsageSeries(at.redis, at.namespace, query);
      expect(stepMs).toBe(DAY_MS);
      expect(startsAt).toEqual([NOON - 1.5 * DAY_MS, NOON - DAY_MS / 2]);
      return Object.fromEntries(series.map(({ key, requests }) => [key, requests]));
    };
    expect(await by("model")).toEqual({ "openai/gpt-6-luna": [1, 1], "openai/gpt-6-nova": [0, 1] });
    expect(await by("kind")).toEqual({ tweet: [1, 1], reply: [0, 1] });
    expect(await by("agent")).toEqual({ ada: [1, 1], orbit: [0, 1] });
    expect(await by("all")).toEqual({ all: [1, 2] });
  });

  it("shows the twelve largest, the last of which is the rest", async () => {
    await using at = await openNamespace();
    for (let index = 1; index <= 14; index++) {
      await call(at, `job-${index}`, { startedAt: NOW, model: `m${index}`, costMicroUsd: index < 3 ? 1 : index });
    }
    await call(at, "again", { startedAt: NOW, model: "m2", costMicroUsd: 0 });
    const query = { by: "model", per: "hour", now: NOW, count: 1 } as const;
    const { series } = await readUsageSeries(at.redis, at.namespace, query);
    const largest = Array.from({ length: 11 }, (_, index) => `openai/m${14 - index}`);
    expect(series.map(({ key }) => key)).toEqual([...largest, "others"]);
    expect(series.at(-1)).toMatchObject({ requests: [4], costMicroUsd: [5] });
  });

  it("a late settlement replaces its orphan in its hour", async () => {
    await using at = await openNamespace();
    const { redis, namespace } = at;
    const admission = admissionOf(redis, namespace);
    await admission.admit(admitRequestOf("a"));
    await sweep(["worker-1"], {
      redis,
      namespace,
      workerId: "sweeper",
      retention: RETENTION,
      onOrphan: () => undefined,
    });
    const query = { by: "all", per: "hour", now: NOW, count: 1 } as const;
    expect(await readUsageSeries(redis, namespace, query)).toMatchObject({ series: [{ costMicroUsd: [140.5] }] });
    await admission.settle(settlementOf(succeededRow(intentOf("a"))));
    const settled = { requests: [1], failures: [0], costMicroUsd: [7.1] };
    expect(await readUsageSeries(redis, namespace, query)).toMatchObject({ series: [settled] });
  });

  it.each([
    ["day", 401, "usage count: got 401; expected an integer from 1 to 400"],
    ["hour", 193, "usage count: got 193; expected an integer from 1 to 192"],
    ["hour", 0, "usage count: got 0; expected an integer from 1 to 192"],
  ] as const)("refuses by %s %i buckets", async (per, count, message) => {
    await using at = await openNamespace();
    const reading = readUsageSeries(at.redis, at.namespace, { by: "all", per, now: NOW, count });
    await expect(reading).rejects.toBeInstanceOf(InvalidInputError);
    await expect(reading).rejects.toThrow(message);
  });
});

describe("usage by kind", () => {
  it("tells what is counted by kind, and null for what is not", async () => {
    await using at = await openNamespace();
    await call(at, "a");
    await call(at, "b", { kind: "reply", costMicroUsd: null });
    await at.redis.hincrby(at.keys.usageDay("2026-11-23"), `openai|gpt-6-luna|${CACHE_COUNTER}|reply`, 3);
    const rows = await readUsage(at.redis, at.namespace, { by: "kind", now: NOW, days: 1 });
    const common = { requests: 1, failures: 0, totalTokens: 48, cachedInputTokens: 10, averageMs: 320 };
    const unknown = { p50Ms: null, p95Ms: null, feedback: null };
    expect(rows).toMatchObject([
      { key: "tweet", ...common, ...unknown, costMicroUsd: 7.1, unpriced: 0, cacheHits: 0 },
      { key: "reply", ...common, ...unknown, costMicroUsd: 0, unpriced: 1, cacheHits: 3 },
    ]);
  });

  it("tells what an earlier version has counted as of unknown kind", async () => {
    await using at = await openNamespace();
    await call(at, "a");
    const before = { "openai|gpt-6-luna|requests": 2, "openai|gpt-6-luna|costPicoUsd": 1_000_000 };
    await at.redis.hset(at.keys.usageDay("2026-11-23"), { ...before, "openai|gpt-6-luna|feedbackCount": 1 });
    const read = async (by: "kind" | "day"): Promise<unknown> =>
      (await readUsage(at.redis, at.namespace, { by, now: NOW, days: 1 })).map(({ key, requests, costMicroUsd }) => [
        key,
        requests,
        costMicroUsd,
      ]);
    expect(await read("kind")).toEqual([
      ["tweet", 1, 7.1],
      ["unknown", 2, 1],
    ]);
    expect(await read("day")).toEqual([["2026-11-23", 3, 8.1]]);
  });

  it("an orphan of an earlier version is taken back as it was counted", async () => {
    await using at = await openNamespace();
    const day = { "openai|gpt-6-luna|requests": 1, "openai|gpt-6-luna|failures": 1 };
    await at.redis.hset(at.keys.usageDay("2026-11-23"), { ...day, "openai|gpt-6-luna|outcome:crashed": 1 });
    await at.redis.hset(at.keys.usageOfAgent("2026-11-23", "ada"), day);
    const increments = [...Object.keys(day), "openai|gpt-6-luna|outcome:crashed"].flatMap((field) => [field, "1"]);
    const orphan = JSON.stringify({ row: "1-1", counters: increments, cost: "0" });
    await at.redis.hset(at.keys.job("a"), { attempts: 1, "state:1": "orphaned", "orphan:1": orphan });
    await call(at, "a");
    for (const by of ["kind", "agent"] as const) {
      const rows = await readUsage(at.redis, at.namespace, { by, now: NOW, days: 1 });
      const sum = rows.reduce((total, { requests }) => total + requests, 0);
      expect(sum, by).toBe(1);
    }
    expect(await at.redis.hgetall(at.keys.usageDay("2026-11-23"))).toMatchObject({
      "openai|gpt-6-luna|requests": "0",
      "openai|gpt-6-luna|outcome:crashed": "0",
      "openai|gpt-6-luna|requests|tweet": "1",
    });
    expect(await at.redis.hgetall(at.keys.usageHour("2026-11-23T12"))).toMatchObject({
      "openai|gpt-6-luna|requests|tweet": "1",
    });
  });
});

describe("texts by kind", () => {
  it("tells how jobs ended and what a thousand texts cost, failed calls included", async () => {
    await using at = await openNamespace();
    const admission = admissionOf(at.redis, at.namespace);
    await admission.settle(settlementOf(failedRow(intentOf("a"), { costMicroUsd: 2 })));
    await admission.settle(settlementOf(succeededRow(intentOf("a", 2)), { terminal: succeededRecord("a") }));
    await admission.settle(settlementOf(succeededRow(intentOf("b")), { terminal: succeededRecord("b") }));
    await admission.settle(endOf(unsuccessfulRecord("c", "expired")));
    const reply = { ...unsuccessfulRecord("d", "failed"), kind: "reply" } as const;
    await admission.settle(
      settlementOf(failedRow(intentOf("d", 1, { kind: "reply" }), { costMicroUsd: null }), { terminal: reply }),
    );
    expect(await readTexts(at.redis, at.namespace, { now: NOW, days: 1 })).toEqual([
      {
        kind: "tweet",
        done: { succeeded: 2, expired: 1 },
        costMicroUsd: 16.2,
        unpriced: 0,
        costPerThousandMicroUsd: 8100,
      },
      { kind: "reply", done: { failed: 1 }, costMicroUsd: 0, unpriced: 1, costPerThousandMicroUsd: null },
    ]);
  });

  it("a job that is retried counts as it ended last, on that day", async () => {
    await using at = await openNamespace();
    const { redis, namespace } = at;
    const claim = { id: "a", payloadHash: "p", lane: "l", snapshot: "s", agentId: "ada", kind: "tweet" } as const;
    const requests = [{ ...claim, rotates: false }];
    const retry = async (): Promise<unknown> =>
      await claimJobs(redis, namespace, { requests, lanes: new Map(), retryFailed: true });
    const ended = async (days: number): Promise<unknown> => {
      await expectEndedJobsCounted(redis, namespace);
      return (await readTexts(redis, namespace, { now: NOW, days })).map(({ done }) => done);
    };
    await retry();
    const admission = admissionOf(redis, namespace);
    await admission.settle(endOf({ ...unsuccessfulRecord("a", "failed"), finishedAt: NOON - DAY_MS }));
    expect(await ended(2)).toEqual([{ failed: 1 }]);
    expect(await ended(1), "it ended the day before").toEqual([]);
    await retry();
    expect(await ended(2), "it has not ended").toEqual([]);
    await admission.settle(endOf(succeededRecord("a")));
    expect(await ended(1)).toEqual([{ succeeded: 1 }]);
    await retry();
    expect(await ended(2), "what succeeded is not retried").toEqual([{ succeeded: 1 }]);
  });

  it("what is forgotten is not taken back", async () => {
    await using at = await openNamespace();
    const admission = admissionOf(at.redis, at.namespace);
    await admission.settle(endOf(unsuccessfulRecord("a", "failed")));
    await at.redis.del(at.keys.usageTexts("2026-11-23"));
    await admission.admit(admitRequestOf("a", { deliveries: 1 }));
    expect(await at.redis.hget(at.keys.job("a"), "generation")).toBe("1");
    expect(await at.redis.exists(at.keys.usageTexts("2026-11-23"))).toBe(0);
  });
});
