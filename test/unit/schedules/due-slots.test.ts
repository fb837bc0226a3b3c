import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueSlots } from "../../../src/schedules/due-slots.ts";
import { MISFIRE_POLICIES, type Schedule } from "../../../src/schedules/schedule.ts";
import { nextSlot } from "../../../src/schedules/slots.ts";
import { at, cron, every, isoOf, scheduleOf } from "./schedule-of.ts";

const LAST_AT = at("2026-11-26T09:00Z");

function due(fields: Partial<Schedule>, now: string): { fire: string[]; until: string | undefined } {
  const { fire, untilAt } = dueSlots({ schedule: scheduleOf(fields), lastSlotAt: LAST_AT, now: at(now) });
  return { fire: isoOf(fire), until: isoOf([untilAt])[0] };
}

it.each(MISFIRE_POLICIES)("a slot that is on time fires, with the policy %s", (misfire) => {
  expect(due({ misfire }, "2026-11-26T09:59:59.999Z")).toEqual({ fire: [], until: "2026-11-26T09:00Z" });
  expect(due({ misfire }, "2026-11-26T10:00:00Z")).toEqual({ fire: ["2026-11-26T10:00Z"], until: "2026-11-26T10:00Z" });
  expect(due({ misfire }, "2026-11-26T10:01:00Z")).toEqual({ fire: ["2026-11-26T10:00Z"], until: "2026-11-26T10:00Z" });
});

describe("of slots that were missed", () => {
  it("skip fires none", () => {
    expect(due({ misfire: "skip" }, "2026-11-26T12:30Z")).toEqual({ fire: [], until: "2026-11-26T12:00Z" });
    expect(due({ misfire: "skip" }, "2026-11-26T13:00:20Z").fire).toEqual(["2026-11-26T13:00Z"]);
  });

  it("latest fires the newest", () => {
    expect(due({ misfire: "latest" }, "2026-11-28T12:30Z")).toEqual({
      fire: ["2026-11-28T12:00Z"],
      until: "2026-11-28T12:00Z",
    });
  });

  it("all fires each, in order, at most the 24 newest", () => {
    expect(due({ misfire: "all" }, "2026-11-26T12:30Z").fire).toEqual([
      "2026-11-26T10:00Z",
      "2026-11-26T11:00Z",
      "2026-11-26T12:00Z",
    ]);
    const { fire, until } = due({ misfire: "all" }, "2026-12-26T12:30Z");
    expect(fire).toHaveLength(24);
    expect([fire[0], fire.at(-1), until]).toEqual(["2026-12-25T13:00Z", "2026-12-26T12:00Z", "2026-12-26T12:00Z"]);
  });

  it.each([
    ["latest", 31 * 60_000, null, ["2026-11-26T12:00Z"]],
    ["latest", 29 * 60_000, null, []],
    ["latest", null, 29 * 60_000, []],
    ["all", 90 * 60_000, null, ["2026-11-26T11:00Z", "2026-11-26T12:00Z"]],
    ["all", 90 * 60_000, 40 * 60_000, ["2026-11-26T12:00Z"]],
    ["skip", 31 * 60_000, null, ["2026-11-26T12:00Z"]],
  ] as const)(
    "%s fires none that is later than %s ms, or whose %s ms are over",
    (misfire, maxDelayMs, deadlineMs, fire) => {
      expect(due({ misfire, maxDelayMs, deadlineMs }, "2026-11-26T12:30Z")).toEqual({
        fire,
        until: "2026-11-26T12:00Z",
      });
    },
  );
});

const timings = fc.constantFrom(
  ...[cron("* * * * *"), cron("*/20 1-3 * * *", "Europe/Berlin"), cron("0 9,17 * * 1-5"), every(0.25, 3, [9], "UTC")],
);

it("a slot fires at most once, whatever the rounds and the policy, and of those on time none is left out", () => {
  fc.assert(
    fc.property(
      timings,
      fc.constantFrom(...MISFIRE_POLICIES),
      fc.array(fc.integer({ min: 1, max: 8 * 3600 }), { minLength: 1, maxLength: 12 }),
      (timing, misfire, pauses) => {
        const schedule = scheduleOf({ timing, misfire });
        const fired: number[] = [];
        let [lastSlotAt, now] = [at("2026-03-28T20:00Z"), at("2026-03-28T20:00Z")];
        for (const seconds of pauses) {
          now += seconds * 1000;
          const { fire, untilAt } = dueSlots({ schedule, lastSlotAt, now });
          expect(fire.every((slotAt) => slotAt > lastSlotAt && slotAt <= untilAt && untilAt <= now)).toBe(true);
          expect(nextSlot(schedule, untilAt) ?? Infinity).toBeGreaterThan(now);
          if (untilAt > lastSlotAt && untilAt >= now - 60_000) expect(fire.at(-1)).toBe(untilAt);
          fired.push(...fire);
          lastSlotAt = untilAt;
        }
        expect(fired).toEqual([...new Set(fired)].sort((a, b) => a - b));
      },
    ),
    { numRuns: 150 },
  );
});
