import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { whatIsWrongWithCron } from "../../../src/schedules/cron.ts";
import { newestSlots, nextSlot, slotsBetween } from "../../../src/schedules/slots.ts";
import { at, cron, isoOf, scheduleOf } from "./schedule-of.ts";

const BERLIN = "Europe/Berlin";

function slots(expression: string, from: string, until: string): string[] {
  const timing = cron(expression, BERLIN);
  return isoOf(slotsBetween(scheduleOf({ timing }), { afterAt: at(from), untilAt: at(until) }));
}

describe("the slots of a cron expression", () => {
  it("are by the clocks of its time zone", () => {
    expect(slots("0 9,17 * * 1-5", "2026-03-26T20:00Z", "2026-03-30T16:00Z")).toEqual([
      "2026-03-27T08:00Z",
      "2026-03-27T16:00Z",
      "2026-03-30T07:00Z",
      "2026-03-30T15:00Z",
    ]);
  });

  it("come after the moment that was given, and until the end of the range", () => {
    expect(slots("0 9 * * *", "2026-01-01T08:00:00Z", "2026-01-02T08:00:00Z")).toEqual(["2026-01-02T08:00Z"]);
    expect(slots("0 9 * * *", "2026-01-01T07:59:59.999Z", "2026-01-01T08:00:00Z")).toEqual(["2026-01-01T08:00Z"]);
    expect(slots("0 9 * * *", "2026-01-01T08:00:00.500Z", "2026-01-02T07:59:59.999Z")).toEqual([]);
  });

  it("know nicknames, names of days, the last day of a month and 29 February", () => {
    expect(slots("@daily", "2026-01-01T12:00Z", "2026-01-02T12:00Z")).toEqual(["2026-01-01T23:00Z"]);
    expect(slots("0 9 * * MON", "2026-01-01T12:00Z", "2026-01-08T12:00Z")).toEqual(["2026-01-05T08:00Z"]);
    expect(slots("0 9 L * *", "2026-01-31T12:00Z", "2026-02-28T12:00Z")).toEqual(["2026-02-28T08:00Z"]);
    expect(slots("0 9 29 2 *", "2026-01-01T12:00Z", "2030-01-01T12:00Z")).toEqual(["2028-02-29T08:00Z"]);
  });
});

describe("when clocks go forward (2026-03-29, 2:00 becomes 3:00)", () => {
  const slotsOfNight = (expression: string) => slots(expression, "2026-03-28T23:00Z", "2026-03-29T02:00Z");

  it.each([
    ["30 2 * * *", ["2026-03-29T01:00Z"]],
    ["0,30 2 * * *", ["2026-03-29T01:00Z"]],
    ["*/10 2 * * *", ["2026-03-29T01:00Z"]],
    ["10-50/20 2 * * *", ["2026-03-29T01:00Z"]],
    ["* 2 * * *", ["2026-03-29T01:00Z"]],
    ["0 */2 * * *", ["2026-03-29T01:00Z", "2026-03-29T02:00Z"]],
    ["0 2-4/2 * * *", ["2026-03-29T01:00Z", "2026-03-29T02:00Z"]],
    ["0 1,2,3 * * *", ["2026-03-29T00:00Z", "2026-03-29T01:00Z"]],
  ])("%s comes once, as soon as the gap is over", (expression, expected) => {
    expect(slotsOfNight(expression)).toEqual(expected);
  });

  it("every hour means every hour that passes", () => {
    expect(slotsOfNight("30 * * * *")).toEqual(["2026-03-28T23:30Z", "2026-03-29T00:30Z", "2026-03-29T01:30Z"]);
  });
});

describe("when clocks go back (2026-10-25, 3:00 becomes 2:00)", () => {
  const slotsOfNight = (expression: string) => slots(expression, "2026-10-24T22:00Z", "2026-10-25T02:30Z");

  it.each([
    ["30 2 * * *", ["2026-10-25T00:30Z"]],
    ["0,30 2 * * *", ["2026-10-25T00:00Z", "2026-10-25T00:30Z"]],
    ["*/30 2 * * *", ["2026-10-25T00:00Z", "2026-10-25T00:30Z"]],
    ["0 */2 * * *", ["2026-10-25T00:00Z"]],
    ["0 2,3 * * *", ["2026-10-25T00:00Z", "2026-10-25T02:00Z"]],
  ])("%s comes once", (expression, expected) => {
    expect(slotsOfNight(expression)).toEqual(expected);
  });

  it("every hour means every hour that passes", () => {
    expect(slotsOfNight("30 * * * *")).toEqual([
      "2026-10-24T22:30Z",
      "2026-10-24T23:30Z",
      "2026-10-25T00:30Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:30Z",
    ]);
  });
});

const expressions = fc.constantFrom(
  ...["* * * * *", "*/7 * * * *", "30 2 * * *", "*/20 1-3 * * *", "0 9,17 * * 1-5", "15 */3 * * *", "0 0 1 * *"],
);
const zones = fc.constantFrom("UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu");
/** Around both changes of the clocks, where they are changed. */
const starts = fc
  .constantFrom(at("2026-03-07T00:00Z"), at("2026-03-28T00:00Z"), at("2026-10-24T00:00Z"), at("2026-10-31T00:00Z"))
  .chain((startAt) => fc.integer({ min: 0, max: 2 * 24 * 3600 }).map((seconds) => startAt + seconds * 1000));

it("has slots that increase, and are the same from wherever one looks", () => {
  fc.assert(
    fc.property(
      expressions,
      zones,
      starts,
      fc.integer({ min: 1, max: 24 * 3600 }),
      (expression, zone, afterAt, later) => {
        const schedule = scheduleOf({ timing: cron(expression, zone) });
        const untilAt = afterAt + 36 * 3600_000;
        const all = [...slotsBetween(schedule, { afterAt, untilAt })];
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
        const rest = [...slotsBetween(schedule, { afterAt: afterAt + later * 1000, untilAt })];
        expect(rest).toEqual(all.filter((slotAt) => slotAt > afterAt + later * 1000));
      },
    ),
    { numRuns: 60 },
  );
});

it("finds the newest slots without looking at all of them", () => {
  const minutely = scheduleOf({ timing: cron("* * * * *") });
  const untilAt = at("2026-11-26T12:00:30Z");
  const newest = newestSlots(minutely, { afterAt: 0, untilAt }, { count: 3 });
  expect(isoOf(newest)).toEqual(["2026-11-26T11:58Z", "2026-11-26T11:59Z", "2026-11-26T12:00Z"]);
  const yearly = scheduleOf({ timing: cron("0 0 1 1 *") });
  const years = newestSlots(yearly, { afterAt: at("2023-06-01T00:00Z"), untilAt }, { count: 24 });
  expect(isoOf(years)).toEqual(["2024-01-01T00:00Z", "2025-01-01T00:00Z", "2026-01-01T00:00Z"]);
});

describe("what is wrong with an expression", () => {
  const FIELDS =
    '5 fields (minute, hour, day of the month, month, day of the week), e.g. "0 9,17 * * 1-5" (9:00 and 17:00 from Monday to Friday)';

  it.each([
    ["* * * *", '"* * * *", which has 4 fields', FIELDS],
    ["hello", '"hello", which has 1 field', FIELDS],
    [
      "*/5 * * * * *",
      '"*/5 * * * * *", which has 6 fields',
      `${FIELDS}; seconds are not possible: once a minute is the most`,
    ],
    ["61 * * * *", '"61 * * * *" (Invalid value for minute: 61)', FIELDS],
    ["0 25 * * *", '"0 25 * * *" (Invalid value for hour: 25)', FIELDS],
  ])("%s", (expression, got, expected) => {
    expect(whatIsWrongWithCron(expression)).toEqual({ got, expected });
  });

  it.each(["0 9 31 2 *", "0 9 30 FEB *", "0 9 31 4,6,9,11 *"])("%s never comes", (expression) => {
    expect(whatIsWrongWithCron(expression)).toEqual({
      got: `"${expression}", which never comes`,
      expected: 'a date that exists, e.g. "0 9,17 * * 1-5" (9:00 and 17:00 from Monday to Friday)',
    });
  });

  it.each(["*/0 9 * * *", "*/70 9 * * *", "50-10/5 9 * * *", "a 9 * * *", "@never", "0 9 * * FOO", ""])(
    "%s is told",
    (expression) => {
      expect(whatIsWrongWithCron(expression)?.expected).toContain("5 fields");
    },
  );

  it("nothing", () => {
    for (const expression of ["* * * * *", "@hourly", " 0 9 29 2 * ", "0 9 * * 5#2", "5-55/10 8-18/2 * JAN-MAR *"])
      expect(whatIsWrongWithCron(expression), expression).toBeUndefined();
    expect(nextSlot(scheduleOf({ timing: cron(" 0 9 29 2 * ") }), 0)).toBe(at("1972-02-29T09:00Z"));
  });
});
