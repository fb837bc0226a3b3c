import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../../src/providers/openai-compatible/retry-after.ts";

const NOW = Date.parse("Mon, 23 Nov 2026 12:00:00 GMT");
const DAY_MS = 86_400_000;

function wait(headers: Record<string, string>, message = ""): number | null {
  return retryAfterMs({ headers, message, now: NOW });
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
  expect(wait(headers, "Please try again in 494ms.")).toBe(1000);
  expect(wait({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m0.052s" }, "")).toBe(60_052);
  expect(wait({ "retry-after": "1", "retry-after-ms": "494" }, "try again in 2s")).toBe(2000);
});
