import { roundedDuration } from "../platform/numbers.ts";

/** `2026-11-23 12:05 UTC (4 min ago)` */
export function showSince(at: number, now: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC (${roundedDuration(now - at)} ago)`;
}
