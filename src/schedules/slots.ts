import { createHash } from "node:crypto";
import { openCron, type CronTimes } from "./cron.ts";
import { nextFrequencySlot, type SlotRandom } from "./frequency.ts";
import type { Schedule } from "./schedule.ts";

/** The part of a schedule that says when. */
export type Timed = Pick<Schedule, "agentId" | "timing">;

/** The same on every machine. */
export const seededRandom: SlotRandom = (seed) => createHash("sha256").update(seed).digest().readUInt32LE(0) / 2 ** 32;

const opened = new Map<string, CronTimes>();

/**
 * The slot after `at`: of a cron expression the first time after that moment, of a frequency the one that follows from it
 * as the slot before. `null`: there is none.
 */
export function nextSlot({ agentId, timing }: Timed, at: number, random: SlotRandom = seededRandom): number | null {
  switch (timing.type) {
    case "cron":
      return cronOf(timing.expression, timing.timezone).next(at);
    case "frequency":
      return nextFrequencySlot(timing, at, () => random(JSON.stringify([agentId, at])));
    default:
      return timing satisfies never;
  }
}

/** Parsing costs as much as a look-up; a worker has few different expressions, and forgets them when they are many. */
const MOST_OPENED = 1000;

function cronOf(expression: string, timezone: string): CronTimes {
  const key = `${timezone} ${expression}`;
  const known = opened.get(key);
  if (known !== undefined) return known;
  if (opened.size >= MOST_OPENED) opened.clear();
  const cron = openCron(expression, timezone);
  opened.set(key, cron);
  return cron;
}

export interface SlotRange {
  /** Not in the range itself; of a frequency it is the slot, or the beginning, that the others follow from. */
  readonly afterAt: number;
  readonly untilAt: number;
}

/** The slots of a range, in order. */
export function* slotsBetween(
  schedule: Timed,
  { afterAt, untilAt }: SlotRange,
  random: SlotRandom = seededRandom,
): Generator<number> {
  let slotAt = nextSlot(schedule, afterAt, random);
  while (slotAt !== null && slotAt <= untilAt) {
    yield slotAt;
    slotAt = nextSlot(schedule, slotAt, random);
  }
}

const FIRST_LOOK_BACK_MS = 3600_000;

/** The newest slots of a range, in order, at most `count`: after a year away not every minute of it is looked at. */
export function newestSlots(
  schedule: Timed,
  { afterAt, untilAt }: SlotRange,
  { count, random = seededRandom }: { readonly count: number; readonly random?: SlotRandom },
): number[] {
  // Each slot of a frequency follows from the one before.
  const canSkip = schedule.timing.type === "cron";
  for (let lookBackMs = canSkip ? FIRST_LOOK_BACK_MS : Infinity; ; lookBackMs *= 4) {
    const fromAt = Math.max(afterAt, untilAt - lookBackMs);
    const slots: number[] = [];
    for (const slotAt of slotsBetween(schedule, { afterAt: fromAt, untilAt }, random)) {
      slots.push(slotAt);
      if (slots.length > count) slots.shift();
    }
    if (slots.length === count || fromAt === afterAt) return slots;
  }
}
