import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newestSlots, nextSlot, slotsBetween } from "../../../src/schedules/slots.ts";
import { hourIn } from "../../../src/schedules/time-zone.ts";
import { at, every, scheduleOf } from "./schedule-of.ts";

const HOUR_MS = 3600_000;
const START_AT = at("2026-03-27T12:00Z");
const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu");
const peaks = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { maxLength: 6 });
const quarters = fc.integer({ min: 1, max: 4 * 36 });

describe("the slots of a frequency", () => {
  it("are whole seconds, and lie between the shortest and the longest gap from each other", () => {
    fc.assert(
      fc.property(quarters, quarters, peaks, zones, fc.string(), (a, b, peakHours, zone, agentId) => {
        const [min, max] = [Math.min(a, b) / 4, Math.max(a, b) / 4];
        const schedule = scheduleOf({ agentId, timing: every(min, max, peakHours, zone) });
        let before = START_AT;
        for (let count = 0; count < 12; count++) {
          const slotAt = nextSlot(schedule, before) ?? 0;
          expect(slotAt % 1000).toBe(0);
          expect(slotAt - before).toBeGreaterThanOrEqual(min * HOUR_MS);
          expect(slotAt - before).toBeLessThanOrEqual(max * HOUR_MS);
          before = slotAt;
        }
      }),
      { numRuns: 100 },
    );
  });

  it("lie in a peak hour whenever one is within reach", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 3 }),
        zones,
        (hours, zone) => {
          // With two days every hour is within reach, also one that a day has not or has twice: clocks change in this range.
          const schedule = scheduleOf({ timing: every(1, 51, hours, zone) });
          for (const slotAt of slotsBetween(schedule, { afterAt: START_AT, untilAt: START_AT + 10 * 24 * HOUR_MS }))
            expect(hours).toContain(hourIn(zone, slotAt));
        },
      ),
      { numRuns: 30, examples: [[[2], "Europe/Berlin"]] },
    );
  });

  it("follow from the agent and the slot before alone", () => {
    const timing = every(2, 6, [9, 18], "Europe/Berlin");
    const range = { afterAt: START_AT, untilAt: START_AT + 72 * HOUR_MS };
    const ada = [...slotsBetween(scheduleOf({ timing }), range)];
    expect([...slotsBetween(scheduleOf({ timing }), range)]).toEqual(ada);
    expect([...slotsBetween(scheduleOf({ timing }), { ...range, afterAt: ada[3] ?? 0 })]).toEqual(ada.slice(4));
    expect(newestSlots(scheduleOf({ timing }), range, { count: 2 })).toEqual(ada.slice(-2));
    const orbit = [...slotsBetween(scheduleOf({ timing, agentId: "orbit" }), range)];
    expect(orbit.filter((slotAt) => ada.includes(slotAt))).toEqual([]);
  });

  it("are as far apart as chance says", () => {
    const schedule = scheduleOf({ timing: every(2, 6) });
    expect(nextSlot(schedule, START_AT, () => 0)).toBe(START_AT + 2 * HOUR_MS);
    expect(nextSlot(schedule, START_AT, () => 0.5)).toBe(START_AT + 4 * HOUR_MS);
    expect(nextSlot(schedule, START_AT, () => 1 - 2 ** -32)).toBeLessThanOrEqual(START_AT + 6 * HOUR_MS);
    const steady = scheduleOf({ timing: every(3, 3, [5]) });
    expect(nextSlot(steady, START_AT)).toBe(START_AT + 3 * HOUR_MS);
  });
});
