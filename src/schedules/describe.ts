import type { Timing } from "./schedule.ts";

/** `0 9 * * 1-5 (Europe/Berlin)`, or `every 2–6 h, rather at 9, 18 h (UTC)`. */
export function describeTiming(timing: Timing): string {
  switch (timing.type) {
    case "cron":
      return `${timing.expression} (${timing.timezone})`;
    case "frequency": {
      const { minMs, maxMs, peakHours, timezone } = timing;
      const gap = minMs === maxMs ? hours(minMs) : `${hours(minMs)}–${hours(maxMs)}`;
      const peaks = peakHours.length === 0 ? "" : `, rather at ${peakHours.join(", ")} h`;
      return `every ${gap} h${peaks} (${timezone})`;
    }
    default:
      return timing satisfies never;
  }
}

function hours(ms: number): string {
  return String(Math.round((ms / 3600_000) * 100) / 100);
}
