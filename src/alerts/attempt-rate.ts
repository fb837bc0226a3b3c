import type { AlertFacts } from "./find-alerts.ts";

/** Counters of two days: the day (`2026-11-23`, UTC) → what was counted so far. */
export type AttemptTotals = Readonly<Record<string, { readonly attempts: number; readonly orphans: number }>>;

/** The counters as they were. */
export interface AttemptSample {
  /** Epoch ms. */
  readonly at: number;
  readonly totals: AttemptTotals;
}

const HOUR_MS = 3600_000;
const SAMPLE_EVERY_MS = 300_000;
const MOST_SAMPLES = HOUR_MS / SAMPLE_EVERY_MS + 2;

/** What is kept for later looks: about an hour, oldest first. @returns the same list when nothing is to be added */
export function withSample(samples: readonly AttemptSample[], sample: AttemptSample): readonly AttemptSample[] {
  const last = samples.at(-1);
  if (last !== undefined && sample.at - last.at < SAMPLE_EVERY_MS) return samples;
  return [...samples, sample].slice(-MOST_SAMPLES);
}

/** What was added since an hour ago; since the first sample, where there is none so old, and nothing without any. */
export function lastHourOf(samples: readonly AttemptSample[], { at, totals }: AttemptSample): AlertFacts["lastHour"] {
  const recent = samples.filter((sample) => at - sample.at < HOUR_MS + 2 * SAMPLE_EVERY_MS);
  const base = recent.findLast((sample) => at - sample.at >= HOUR_MS) ?? recent[0];
  if (base === undefined) return { attempts: 0, orphans: 0 };
  const added = (counter: "attempts" | "orphans"): number =>
    Object.entries(totals).reduce((sum, [day, now]) => sum + now[counter] - (base.totals[day]?.[counter] ?? 0), 0);
  return { attempts: Math.max(0, added("attempts")), orphans: Math.max(0, added("orphans")) };
}
