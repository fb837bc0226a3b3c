import type { Schedule, Timing } from "../../../src/schedules/schedule.ts";

/** A schedule that says only `fields`; every hour on the hour, UTC. */
export function scheduleOf(fields: Partial<Schedule> = {}): Schedule {
  return {
    ...{ agentId: "ada", enabled: true, timing: cron("0 * * * *"), topics: [], topicsFile: null, misfire: "latest" },
    ...{ maxDelayMs: null, kind: "tweet", deadlineMs: null, delivery: "live" },
    ...fields,
  };
}

export function cron(expression: string, timezone = "UTC"): Timing {
  return { type: "cron", expression, timezone };
}

export function every(minHours: number, maxHours: number, peakHours: number[] = [], timezone = "UTC"): Timing {
  return { type: "frequency", minMs: minHours * 3600_000, maxMs: maxHours * 3600_000, peakHours, timezone };
}

export function at(iso: string): number {
  return Date.parse(iso);
}

export function isoOf(times: Iterable<number>): string[] {
  return [...times].map((time) => new Date(time).toISOString().replace(/:00\.000Z$/, "Z"));
}
