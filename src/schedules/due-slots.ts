import type { SlotRandom } from "./frequency.ts";
import type { Schedule } from "./schedule.ts";
import { newestSlots, seededRandom } from "./slots.ts";

/** So many missed posts are made up for by `all`, the newest ones. */
const MOST_MADE_UP = 24;
/** A slot that is not older is on time: workers restart, and clocks differ. */
export const ON_TIME_MS = 60_000;

export interface DueInput {
  readonly schedule: Schedule;
  /** The newest slot that was dealt with, or when the schedule began. */
  readonly lastSlotAt: number;
  readonly now: number;
  readonly random?: SlotRandom;
}

export interface DueSlots {
  /** In order. */
  readonly fire: readonly number[];
  /** The newest slot that is due, fired or not: all until then are dealt with. `lastSlotAt` when none is due. */
  readonly untilAt: number;
}

/** Which slots are fired now. Those that are not are never fired. */
export function dueSlots({ schedule, lastSlotAt, now, random = seededRandom }: DueInput): DueSlots {
  const count = schedule.misfire === "latest" ? 1 : MOST_MADE_UP;
  const due = newestSlots(schedule, { afterAt: lastSlotAt, untilAt: now }, { count, random });
  const latestMs = mostDelayMs(schedule);
  return { fire: due.filter((slotAt) => now - slotAt <= latestMs), untilAt: due.at(-1) ?? lastSlotAt };
}

/** A post whose deadline is over would only expire. */
function mostDelayMs({ misfire, maxDelayMs, deadlineMs }: Schedule): number {
  const allowedMs = maxDelayMs ?? (misfire === "skip" ? ON_TIME_MS : Infinity);
  return deadlineMs === null ? allowedMs : Math.min(allowedMs, deadlineMs);
}
