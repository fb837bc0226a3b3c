import type { JobKind } from "./generation-job.ts";
import type { TerminalStatus } from "./generation-result.ts";
import type { UsageRecord } from "./usage-record.ts";

/** What is counted by hour, and by day as well. */
export const HOURLY_COUNTERS = ["requests", "failures", "inputTokens", "outputTokens", "costPicoUsd"] as const;

/**
 * What is counted per provider, model, kind, agent and day. The sum over all usage rows of a day equals its counters
 * exactly: everything is an integer. Costs are counted in pico-USD (1e-12): every price of at most six decimals per
 * million tokens is a whole number of them.
 */
export const COUNTERS = [
  ...HOURLY_COUNTERS,
  "cachedInputTokens",
  "reasoningTokens",
  /** The part of `costPicoUsd` that is an upper bound: nobody knows whether the vendor billed it. */
  "possiblyBilledPicoUsd",
  /** Attempts whose price is not known: they are missing from `costPicoUsd`. */
  "unpriced",
  "durationMs",
] as const;
export type Counter = (typeof COUNTERS)[number];

/**
 * Counted beside them, and no part of any row: how many texts have a score, and the sum of their scores in thousandths.
 * They count for the day on which the text was finished, and for who wrote it.
 */
export const FEEDBACK_COUNTERS = ["feedbackCount", "feedbackMilli"] as const;

/** Texts that came from the cache, counted for who had written them. No row stands for them: nobody was called. */
export const CACHE_COUNTER = "cacheHits";

/** How the names of distributions start. */
export const LATENCY = "ms:";
export const OUTCOME = "outcome:";

const PICO_PER_MICRO = 1e6;
/** Four buckets per doubling: a percentile read from them is right within ±9 %. */
const BUCKETS_PER_DOUBLING = 4;

/**
 * Counter fields of days and hours are `provider|model|counter|kind`, those of agents `provider|model|counter`. By day,
 * and not by agent, there are distributions as well: `provider|model|ms:<bucket>` of latencies and
 * `provider|model|outcome:<outcome>` of failures. These and the counters of feedback are without the kind.
 */
export interface CounterField {
  readonly provider: string;
  readonly model: string;
  readonly name: string;
  /** Absent by day, too, where an earlier version has counted. */
  readonly kind?: string;
}

export function formatCounterField({ provider, model, name, kind }: CounterField): string {
  const field = `${provider}|${model}|${name}`;
  return kind === undefined ? field : `${field}|${kind}`;
}

export function parseCounterField(field: string): CounterField {
  const [provider = "", model = "", name = "", kind] = field.split("|");
  return kind === undefined ? { provider, model, name } : { provider, model, name, kind };
}

type Increments = readonly (readonly [field: string, increment: number])[];

/** Fields without the kind, which is the row's; zeros are left out. */
export interface RowCounters {
  /** Never empty, and the first is that of requests. */
  readonly hourly: Increments;
  /** Counted by day and agent, and not by hour. */
  readonly daily: Increments;
  /** Counted by day alone, and without the kind. */
  readonly distributions: Increments;
}

/** The increments that a row stands for. */
export function countersOf(row: UsageRecord): RowCounters {
  const costPicoUsd = picoUsdOf(row.costMicroUsd);
  const values: Record<Counter, number> = {
    requests: 1,
    failures: row.outcome === "succeeded" ? 0 : 1,
    inputTokens: row.usage?.inputTokens ?? 0,
    outputTokens: row.usage?.outputTokens ?? 0,
    cachedInputTokens: row.usage?.cachedInputTokens ?? 0,
    reasoningTokens: row.usage?.reasoningTokens ?? 0,
    costPicoUsd,
    possiblyBilledPicoUsd: row.possiblyBilled ? costPicoUsd : 0,
    unpriced: row.costMicroUsd === null ? 1 : 0,
    durationMs: row.durationMs,
  };
  const { provider, model } = row;
  const field = (name: string): string => formatCounterField({ provider, model, name });
  const counted = COUNTERS.filter((name) => values[name] !== 0);
  const increments = (isHourly: boolean): Increments =>
    counted.filter((name) => isHourlyCounter(name) === isHourly).map((name) => [field(name), values[name]]);
  return {
    hourly: increments(true),
    daily: increments(false),
    distributions: distributionsOf(row).map((name) => [field(name), 1]),
  };
}

function distributionsOf({ outcome, delivery, durationMs }: UsageRecord): string[] {
  // A batch takes hours, and that says nothing about the model.
  const isMeasured = outcome !== "crashed" && delivery !== "batch";
  const latency = isMeasured ? [`${LATENCY}${latencyBucket(durationMs)}`] : [];
  return outcome === "succeeded" ? latency : [...latency, `${OUTCOME}${outcome}`];
}

function isHourlyCounter(name: Counter): boolean {
  return (HOURLY_COUNTERS as readonly string[]).includes(name);
}

/** How the fields of ended jobs go on after the kind. They are counted by day: `kind|done:<status>`. */
const DONE = "|done:";

export function formatDoneField({ kind, status }: DoneField): string {
  return `${kind}${DONE}${status}`;
}

interface DoneField {
  readonly kind: JobKind;
  readonly status: TerminalStatus;
}

/** @returns `null`: it is no such field */
export function parseDoneField(field: string): DoneField | null {
  const [kind, status] = field.split(DONE);
  return status === undefined ? null : { kind: kind as JobKind, status: status as TerminalStatus };
}

export function latencyBucket(durationMs: number): number {
  return Math.round(Math.log2(Math.max(1, durationMs)) * BUCKETS_PER_DOUBLING);
}

/** The middle of a bucket, in ms. */
export function latencyOfBucket(bucket: number): number {
  return Math.round(2 ** (bucket / BUCKETS_PER_DOUBLING));
}

/** The day that a row counts for: UTC, by when the attempt started. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** The hour that a row counts for, as days are: `2026-11-23T14`. */
export function hourOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 13);
}

/** Unknown is 0. Redis counts in 64-bit integers and refuses 1e+22; no vendor charges 9,007 USD for one call. */
export function picoUsdOf(microUsd: number | null): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round((microUsd ?? 0) * PICO_PER_MICRO));
}

/** Exact up to 9,007 USD, to 16 digits above. */
export function microUsdOfPico(pico: bigint): number {
  return Number(pico) / PICO_PER_MICRO;
}
