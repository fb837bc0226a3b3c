import type { LimitReport } from "../provider.ts";
import { decimal, duration } from "./header-values.ts";

type Headers = Readonly<Record<string, string>>;

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The headers of one limit. Names are lower-case. */
interface LimitHeaders {
  readonly counts: LimitReport["counts"];
  readonly limit: string;
  readonly remaining: string;
  /** `null`: the vendor's period is always a minute, so nothing has to be found out. */
  readonly period: {
    /** The time until the limit is full again, as a duration. */
    readonly reset: string;
    /** The period itself, in seconds; only Azure and a few others send it. */
    readonly renewal: string;
  } | null;
}

const LIMITS: readonly LimitHeaders[] = [
  openAi("requests"),
  openAi("tokens"),
  anthropic("requests", "requests"),
  anthropic("tokens", "tokens"),
  anthropic("inputTokens", "input-tokens"),
  anthropic("outputTokens", "output-tokens"),
];

/**
 * OpenAI, and everybody who follows it: xAI, Groq, OpenRouter, Azure, gateways.
 * https://platform.openai.com/docs/guides/rate-limits
 */
function openAi(counts: "requests" | "tokens"): LimitHeaders {
  return {
    counts,
    limit: `x-ratelimit-limit-${counts}`,
    remaining: `x-ratelimit-remaining-${counts}`,
    period: { reset: `x-ratelimit-reset-${counts}`, renewal: `x-ratelimit-renewalperiod-${counts}` },
  };
}

/** Gateways pass Anthropic's own headers through. https://docs.anthropic.com/en/api/rate-limits */
function anthropic(counts: LimitReport["counts"], name: string): LimitHeaders {
  const prefix = `anthropic-ratelimit-${name}`;
  return { counts, limit: `${prefix}-limit`, remaining: `${prefix}-remaining`, period: null };
}

/** What an answer says about the vendor's limits; nothing that makes no sense. One report per count and period. */
export function limitReports(headers: Headers): readonly LimitReport[] {
  const reports: LimitReport[] = [];
  for (const names of LIMITS) {
    const report = readLimit(headers, names);
    if (report !== null) addTighter(reports, report);
  }
  return reports;
}

/** A gateway can have a limit of its own beside the vendor's that it passes through: the lower one counts. */
function addTighter(reports: LimitReport[], report: LimitReport): void {
  const index = reports.findIndex(({ counts, periodMs }) => counts === report.counts && periodMs === report.periodMs);
  const known = reports[index];
  if (known === undefined) reports.push(report);
  else if (report.limit < known.limit) reports[index] = report;
}

function readLimit(headers: Headers, { counts, period, ...names }: LimitHeaders): LimitReport | null {
  const limit = Math.floor(decimal(headers[names.limit]) ?? 0);
  // Some say "unlimited" as the largest number that they have.
  if (limit < 1 || !Number.isSafeInteger(limit)) return null;
  const remaining = plausible(decimal(headers[names.remaining]), limit);
  if (period === null) return { counts, limit, remaining, periodMs: MINUTE_MS };
  const reset = headers[period.reset];
  // Azure answers "0 remaining, full in 0" for limits that it does not count.
  const isCounted = remaining !== 0 || (decimal(reset) ?? duration(reset)) !== 0;
  const stated = { counts, limit, remaining: isCounted ? remaining : null };
  const renewalMs = (decimal(headers[period.renewal]) ?? 0) * SECOND_MS;
  if (renewalMs > 0) return overRenewal(stated, renewalMs);
  return { ...stated, periodMs: inferPeriodMs(limit, remaining, duration(reset)) };
}

/** More than the whole limit is an overflow. */
function plausible(remaining: number | null, limit: number): number | null {
  return remaining === null || remaining > limit ? null : Math.floor(remaining);
}

/** An odd period becomes a limit per minute of the same rate; never less than 1, with which no call could be made. */
function overRenewal(stated: Omit<LimitReport, "periodMs">, renewalMs: number): LimitReport | null {
  if (renewalMs === DAY_MS) return { ...stated, periodMs: DAY_MS };
  const perMinute = MINUTE_MS / renewalMs;
  const limit = Math.max(1, Math.floor(stated.limit * perMinute));
  const remaining = stated.remaining === null ? null : Math.min(limit, Math.ceil(stated.remaining * perMinute));
  return Number.isSafeInteger(limit) ? { ...stated, limit, remaining, periodMs: MINUTE_MS } : null;
}

/**
 * The headers do not say the period, but the time until the limit is full again, scaled to the whole limit, is the
 * period. It is a minute wherever that cannot be told: a limit taken for too large costs a 429, one taken for too small
 * (a minute's for a day's) would stop the work.
 */
function inferPeriodMs(limit: number, remaining: number | null, resetMs: number | null): number {
  if (resetMs === null || !Number.isFinite(resetMs)) return MINUTE_MS;
  if (resetMs > HOUR_MS) return DAY_MS;
  const used = limit - (remaining ?? limit);
  if (used === 0) return MINUTE_MS;
  const atLeastMs = (resetMs * limit) / used;
  if (atLeastMs <= HOUR_MS) return MINUTE_MS;
  // What remains is rounded to whole numbers, so up to one less may be used.
  const atMostMs = (resetMs * limit) / (used - 1);
  // A limit that starts anew each minute shows up to a minute however little is used, which scales to anything: so
  // short a reset has to fit a day well.
  const fitsDay = atLeastMs < 1.1 * DAY_MS && atMostMs > 0.9 * DAY_MS;
  return resetMs > MINUTE_MS || fitsDay ? DAY_MS : MINUTE_MS;
}
