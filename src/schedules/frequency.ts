import { hourIn } from "./time-zone.ts";
import type { Timing } from "./schedule.ts";

export type Frequency = Extract<Timing, { type: "frequency" }>;

/** 0 ≤ x < 1, a function of `seed` alone. */
export type SlotRandom = (seed: string) => number;

const SECOND_MS = 1000;
/** Offsets of time zones are multiples of a quarter of an hour: an hour of the day begins and ends at such a moment. */
const QUARTER_MS = 15 * 60_000;

interface Span {
  readonly fromAt: number;
  readonly untilAt: number;
}

/**
 * The slot after another: between the shortest and the longest gap, and in a peak hour if one is within reach. It follows
 * from the earlier slot alone, so that every process computes the same.
 * @param random asked once
 */
export function nextFrequencySlot(frequency: Frequency, slotAt: number, random: () => number): number {
  const { minMs, maxMs, peakHours, timezone } = frequency;
  const startAt = Math.ceil(slotAt / SECOND_MS) * SECOND_MS;
  const reach = { fromAt: startAt + minMs, untilAt: startAt + maxMs };
  const peaks = peakHours.length === 0 ? [] : peakSpans(reach, new Set(peakHours), timezone);
  const spans = peaks.length === 0 ? [reach] : peaks;
  const lengths = spans.map(({ fromAt, untilAt }) => untilAt - fromAt);
  let offset = random() * lengths.reduce((total, length) => total + length, 0);
  for (const [index, { fromAt }] of spans.entries()) {
    const length = lengths[index] ?? 0;
    if (offset < length) return fromAt + Math.floor(offset / SECOND_MS) * SECOND_MS;
    offset -= length;
  }
  return reach.fromAt;
}

function peakSpans({ fromAt, untilAt }: Span, peaks: ReadonlySet<number>, timezone: string): Span[] {
  const spans: Span[] = [];
  for (let at = fromAt; at < untilAt;) {
    const end = Math.min(untilAt, (Math.floor(at / QUARTER_MS) + 1) * QUARTER_MS);
    if (peaks.has(hourIn(timezone, at))) spans.push({ fromAt: at, untilAt: end });
    at = end;
  }
  return spans;
}
