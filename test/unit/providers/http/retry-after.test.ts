import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../../src/providers/http/retry-after.ts";

const NOW = Date.parse("Mon, 23 Nov 2026 12:00:00 GMT");
const DAY_MS = 86_400_000;

function wait(headers: Record<string, string>, message = "", retryDelay: string | null = null): number | null {
  return retryAfterMs({ headers, message, retryDelay, quotas: [], now: NOW });
}

describe("retry-after", () => {
  it.each([
    ["7", 7000],
    [" 1.5 ", 1500],
    ["0", 0],
    ["Mon, 23 Nov 2026 12:00:30 GMT", 30_000],
    // The two older forms of RFC 9110, 5.6.7.
    ["Monday, 23-Nov-26 12:00:30 GMT", 30_000],
  ])("%s is %d ms", (value, expected) => {
    expect(wait({ "retry-after": value })).toBe(expected);
  });

  it("holds a date against the vendor's own clock, not ours", () => {
    const headers = { "retry-after": "Mon, 23 Nov 2026 09:00:05 GMT", date: "Mon, 23 Nov 2026 09:00:00 GMT" };
    expect(wait(headers)).toBe(5000);
  });

  it.each(["-5", "NaN", "soon", "", "1e3", "Mon, 23 Nov 2026 11:59:00 GMT", "Mon, 99 Foo 2026"])(
    "%s says nothing",
    (value) => {
      expect(wait({ "retry-after": value })).toBeNull();
    },
  );

  it.each(["999999999", "9".repeat(400), "Mon, 23 Nov 2126 12:00:00 GMT"])("%s is cut to a day", (value) => {
    expect(wait({ "retry-after": value })).toBe(DAY_MS);
  });
});

describe("retry-after-ms", () => {
  it.each([
    ["494", 494],
    ["0.4", 1],
    ["-1", null],
    ["NaN", null],
    ["999999999", DAY_MS],
  ])("%s is %s ms", (value, expected) => {
    expect(wait({ "retry-after-ms": value })).toBe(expected);
  });
});

describe("x-ratelimit-reset", () => {
  it.each([
    ["20ms", 20],
    ["1s", 1000],
    ["6m0s", 360_000],
    ["1m0.052s", 60_052],
    ["114h18m0s", DAY_MS],
  ])("%s is %d ms when nothing remains", (value, expected) => {
    expect(wait({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": value })).toBe(expected);
    expect(wait({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": value })).toBe(expected);
  });

  it("does not count while something remains, or when that is not said", () => {
    expect(wait({ "x-ratelimit-remaining-tokens": "1", "x-ratelimit-reset-tokens": "6m0s" })).toBeNull();
    expect(wait({ "x-ratelimit-reset-tokens": "6m0s" })).toBeNull();
  });

  it("is not read without a unit: it could be seconds or a time", () => {
    expect(wait({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1741305600000" })).toBeNull();
  });
});

describe("anthropic-ratelimit-…-reset", () => {
  const usedUp = (name: string, reset: string): Record<string, string> => ({
    [`anthropic-ratelimit-${name}-remaining`]: "0",
    [`anthropic-ratelimit-${name}-reset`]: reset,
  });

  it.each([
    ["2026-11-23T12:00:30Z", 30_000],
    ["2026-11-23T12:00:00.250Z", 250],
    ["2026-11-23T13:00:30+01:00", 30_000],
    ["2126-11-23T12:00:00Z", DAY_MS],
    // In the past, no such time, our local time, and no time at all.
    ["2026-11-23T11:59:59Z", null],
    ["2026-13-45T12:00:30Z", null],
    ["2026-11-23T12:00:30", null],
    ["1795435230", null],
  ])("%s is %s ms when nothing remains", (reset, expected) => {
    for (const name of ["requests", "tokens", "input-tokens", "output-tokens"]) {
      expect(wait(usedUp(name, reset))).toBe(expected);
    }
  });

  it("is held against the vendor's own clock, not ours", () => {
    const headers = { ...usedUp("tokens", "2026-11-23T09:00:05Z"), date: "Mon, 23 Nov 2026 09:00:00 GMT" };
    expect(wait(headers)).toBe(5000);
  });

  it("counts only for the limits that are used up, and for the last of these", () => {
    const requests = usedUp("requests", "2026-11-23T12:00:10Z");
    const input = usedUp("input-tokens", "2026-11-23T12:00:20Z");
    const output = {
      "anthropic-ratelimit-output-tokens-remaining": "1",
      "anthropic-ratelimit-output-tokens-reset": "2026-11-23T12:00:50Z",
    };
    expect(wait(output)).toBeNull();
    expect(wait({ ...requests, ...input, ...output })).toBe(20_000);
    expect(wait({ ...requests, "retry-after": "7" })).toBe(7000);
  });
});

describe("Google's retryDelay", () => {
  it.each([
    ["34.074824224s", 34_075],
    ["0s", 0],
    ["7s", 7000],
    ["999999999s", DAY_MS],
    ["-3s", null],
    ["34", null],
    ["34ms", null],
    ["s", null],
    ["soon", null],
  ])("%s is %s ms", (retryDelay, expected) => {
    expect(wait({}, "", retryDelay)).toBe(expected);
  });

  it("counts like whatever else is said about the request", () => {
    expect(wait({ "retry-after": "7" }, "", "34s")).toBe(34_000);
    expect(wait({ "retry-after": "70" }, "", "34s")).toBe(70_000);
  });
});

describe("the message", () => {
  it.each([
    ["Rate limit reached. Please try again in 6.2s. Visit https://example.com", 6200],
    ["Please try again in 20ms.", 20],
    ["please try again in 1m3s", 63_000],
    ["Please try again in 114h18m0s.", DAY_MS],
    ["Please retry after 60 seconds.", 60_000],
    ["Please try again in 5 minutes.", 300_000],
    ["try again in 250 milliseconds", 250],
    ["Please try again later.", null],
    ["try again in a while", null],
  ])("%s", (message, expected) => {
    expect(wait({}, message)).toBe(expected);
  });
});

it("the longest of what is said about the request counts, and a reset only when nothing else is said", () => {
  const headers = {
    "retry-after": "1",
    "retry-after-ms": "494",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "1m0.052s",
  };
  expect(wait(headers, "Please try again in 494ms."), "the header's milliseconds are its exact seconds").toBe(494);
  expect(wait({ "retry-after": "1", "retry-after-ms": "0" }, ""), "as Azure says it").toBe(1000);
  expect(wait({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m0.052s" }, "")).toBe(60_052);
  expect(wait({ "retry-after": "1", "retry-after-ms": "494" }, "try again in 2s")).toBe(2000);
});

it("a quota of the day is waited out until midnight in Los Angeles, whatever seconds are said beside it", () => {
  const sources = { headers: {}, message: "Please retry in 22s.", retryDelay: "22s", now: NOW };
  const quotas = ["GenerateRequestsPerDayPerProjectPerModel-FreeTier"];
  // 04:00 there.
  expect(retryAfterMs({ ...sources, quotas })).toBe(20 * 3_600_000);
  expect(retryAfterMs({ ...sources, quotas: ["GenerateRequestsPerMinutePerProjectPerModel"] })).toBe(22_000);
  const headers = { date: "Mon, 23 Nov 2026 13:00:00 GMT" };
  expect(retryAfterMs({ ...sources, headers, quotas }), "by Google's clock").toBe(19 * 3_600_000);
});
