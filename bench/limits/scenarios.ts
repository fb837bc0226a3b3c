import { planAnswers, type LimitedVendorOptions } from "../../test/support/limited-vendor.ts";

export interface Scenario {
  readonly name: string;
  /** A worker process each; how many jobs it may have in work. */
  readonly concurrencies: readonly number[];
  readonly vendor: LimitedVendorOptions;
  /** What the workers are told; `null`: nothing. */
  readonly configured: ConfiguredRates | null;
  /** Nothing is known about the limit at the start: the warm-up uses another key. */
  readonly cold: boolean;
}

export interface ConfiguredRates {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
}

const REQUESTS_PER_MINUTE = 2400;
export const MEAN_TOKENS = 100;
const MINUTE_MS = 60_000;
/** What every vendor's limit lets through at once. */
const BURST_MS = 1000;
const MEDIAN_LATENCY_MS = 150;

const ONE = [64];
/** Uneven on purpose. */
const FOUR = [4, 8, 32, 64];
const latency = { medianLatencyMs: MEDIAN_LATENCY_MS, latencySigma: 0.35 };
const requests = { requestsPerMinute: REQUESTS_PER_MINUTE };
const tokens = { tokensPerMinute: REQUESTS_PER_MINUTE * MEAN_TOKENS };
const tooHigh = { requestsPerMinute: 1.5 * REQUESTS_PER_MINUTE };
const silent = { limitHeaders: false, retryAfter: "none" } as const;

export const SCENARIOS: readonly Scenario[] = [
  known("requests-1", ONE, requests),
  known("requests-4", FOUR, requests),
  known("tokens-1", ONE, tokens),
  known("tokens-4", FOUR, tokens),
  unknown("headers", null, requests),
  unknown("too-high-headers", tooHigh, requests),
  unknown("too-high-429s", tooHigh, { ...requests, ...silent }),
];

function known(name: string, concurrencies: readonly number[], rates: ConfiguredRates): Scenario {
  return { name, concurrencies, vendor: { ...rates, ...latency }, configured: rates, cold: false };
}

function unknown(name: string, configured: ConfiguredRates | null, vendor: LimitedVendorOptions): Scenario {
  return { name, concurrencies: ONE, vendor: { ...vendor, ...latency }, configured, cold: true };
}

/**
 * When the earliest moment is that each of the first `jobs` calls can be made, in ms after the first: the burst at once,
 * then at the pace of the limit that allows least.
 */
export function earliestStarts(vendor: LimitedVendorOptions, jobs: number): number[] {
  const answers = planAnswers(vendor);
  const msPerRequest = MINUTE_MS / (vendor.requestsPerMinute ?? Infinity);
  const msPerToken = MINUTE_MS / (vendor.tokensPerMinute ?? Infinity);
  let tokensUntilNow = 0;
  return Array.from({ length: jobs }, (_, index) => {
    const { promptTokens, completionTokens } = answers.next();
    tokensUntilNow += promptTokens + completionTokens;
    return Math.max(0, (index + 1) * msPerRequest - BURST_MS, tokensUntilNow * msPerToken - BURST_MS);
  });
}

/** (jobs − burst) ÷ rate, or the same in tokens, and the median latency of the last call. */
export function theoreticalMinimumMs(vendor: LimitedVendorOptions, jobs: number): number {
  return (earliestStarts(vendor, jobs).at(-1) ?? 0) + MEDIAN_LATENCY_MS;
}
