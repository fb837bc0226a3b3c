import { describe, expect, it } from "vitest";
import { limitReports } from "../../../../src/providers/http/limit-headers.ts";
import { recordedAnswer, recordedAnswerFiles } from "../../../support/recorded-answers.ts";

/** `requests 499 of 500 per minute`; `?`: how many remain is not known. */
function read(headers: Readonly<Record<string, string>>): string[] {
  return limitReports(headers).map(({ counts, limit, remaining, periodMs }) => {
    const period = periodMs === 60_000 ? "minute" : periodMs === 86_400_000 ? "day" : `${periodMs} ms`;
    return `${counts} ${remaining ?? "?"} of ${limit} per ${period}`;
  });
}

function requests(limit: string, remaining?: string, reset?: string, renewalPeriod?: string): string[] {
  return read({
    "x-ratelimit-limit-requests": limit,
    ...(remaining !== undefined && { "x-ratelimit-remaining-requests": remaining }),
    ...(reset !== undefined && { "x-ratelimit-reset-requests": reset }),
    ...(renewalPeriod !== undefined && { "x-ratelimit-renewalperiod-requests": renewalPeriod }),
  });
}

function tokens(limit: string, remaining: string, reset: string): string[] {
  return read({
    "x-ratelimit-limit-tokens": limit,
    "x-ratelimit-remaining-tokens": remaining,
    "x-ratelimit-reset-tokens": reset,
  });
}

/** What every recorded answer says that says anything; the others must say nothing. */
const RECORDED: Readonly<Record<string, readonly string[]>> = {
  "anthropic/200-stream-refusal.json": [
    "requests 19999 of 20000 per minute",
    "tokens 4800000 of 4800000 per minute",
    "inputTokens 4000000 of 4000000 per minute",
    "outputTokens 800000 of 800000 per minute",
  ],
  "anthropic/200-stream-text.json": [
    "tokens 2400000 of 2400000 per minute",
    "inputTokens 2000000 of 2000000 per minute",
    "outputTokens 400000 of 400000 per minute",
  ],
  "anthropic/200-stream-thinking.json": [
    "requests 3999 of 4000 per minute",
    "tokens 276000 of 280000 per minute",
    "inputTokens 200000 of 200000 per minute",
    "outputTokens 76000 of 80000 per minute",
  ],
  "anthropic/200-text.json": [
    "requests 999 of 1000 per minute",
    "tokens 540000 of 540000 per minute",
    "inputTokens 450000 of 450000 per minute",
    "outputTokens 90000 of 90000 per minute",
  ],
  "anthropic/429-input-tokens-never-fits.json": [
    "requests 999 of 1000 per minute",
    "inputTokens 450000 of 450000 per minute",
  ],
  "anthropic/429-rate-limit-retry-after.json": [
    "requests 4000 of 4000 per minute",
    "tokens 80000 of 280000 per minute",
    "inputTokens 0 of 200000 per minute",
    "outputTokens 80000 of 80000 per minute",
  ],
  "grok/200-cached-more-than-prompt.json": ["requests 562 of 607 per minute", "tokens 3981541 of 4000000 per minute"],
  "grok/200-grok-4.3-reasoning-cached.json": [
    "requests 1800 of 1800 per minute",
    "tokens 10000000 of 10000000 per minute",
  ],
  "grok/200-no-reasoning-cached.json": ["requests 606 of 607 per minute", "tokens 4000000 of 4000000 per minute"],
  "grok/200-stream-reasoning.json": ["requests 1800 of 1800 per minute", "tokens 10000000 of 10000000 per minute"],
  // Azure counts no tokens here: none remain, and it is full again at once.
  "grok/413-azure-text-body-too-long.json": ["requests 48 of 50 per minute", "tokens ? of 50000 per minute"],
  "grok/500-azure-no-answer-from-model.json": ["requests 48 of 50 per minute", "tokens ? of 50000 per minute"],
  "openai-compatible/408-azure-text-upstream-timeout.json": [
    "requests 19 of 20 per minute",
    "tokens 19984 of 20000 per minute",
  ],
  "openai-compatible/429-azure-openai-retry-after.json": [
    "requests 232 of 250 per minute",
    "tokens ? of 250000 per minute",
  ],
  "openai/200-reasoning-tokens.json": ["requests 499 of 500 per minute", "tokens 199994 of 200000 per minute"],
  "openai/200-stream-reasoning.json": ["requests 4999 of 5000 per minute", "tokens 1999993 of 2000000 per minute"],
  "openai/400-unsupported-value-temperature.json": [
    "requests 29999 of 30000 per minute",
    "tokens 149999500 of 150000000 per minute",
  ],
  "openai/429-rate-limit-tokens-retry-after.json": [
    "requests 9999 of 10000 per minute",
    "tokens 0 of 30000000 per minute",
  ],
  "openai/429-request-too-large.json": ["requests 499 of 500 per minute", "tokens 200000 of 200000 per minute"],
};

describe("recorded answers", () => {
  it.each(recordedAnswerFiles())("%s", (file) => {
    expect(read(recordedAnswer(file).response.headers)).toEqual(RECORDED[file] ?? []);
  });

  it("none of the table is gone", () => {
    expect(recordedAnswerFiles()).toEqual(expect.arrayContaining(Object.keys(RECORDED)));
  });
});

describe("the period of a limit on requests", () => {
  it.each([
    // OpenAI's limits per day: one of 200 comes back in 7m12s, one of 10,000 in 8.64s.
    ["200", "199", "7m12s", "requests 199 of 200 per day"],
    ["200", "0", "24h0m0s", "requests 0 of 200 per day"],
    ["10000", "9999", "8.64s", "requests 9999 of 10000 per day"],
    ["10000", "9997", "17.5s", "requests 9997 of 10000 per day"],
    // Groq's limits on requests are per day.
    ["14400", "14370", "2m59.56s", "requests 14370 of 14400 per day"],
    ["3", "0", "59.8s", "requests 0 of 3 per minute"],
    ["500", "499", "120ms", "requests 499 of 500 per minute"],
    ["500", "250", "30s", "requests 250 of 500 per minute"],
    // Less than an hour in all.
    ["60", "0", "1h0m0s", "requests 0 of 60 per minute"],
    ["60", "0", "1h0m1s", "requests 0 of 60 per day"],
    // Starting anew each minute, or each day.
    ["10000", "9999", "30s", "requests 9999 of 10000 per minute"],
    ["1000", "990", "5s", "requests 990 of 1000 per minute"],
    ["1000", "999", "9h", "requests 999 of 1000 per day"],
    ["1000", "1000", "9h", "requests 1000 of 1000 per day"],
  ])("%s, of which %s remain and which is full in %s", (limit, remaining, reset, expected) => {
    expect(requests(limit, remaining, reset)).toEqual([expected]);
  });

  it.each([
    ["nothing is used", "500", "0s"],
    ["nothing is used, but there is a reset", "500", "1s"],
    ["something is used, but there is no wait", "499", "0s"],
    ["the reset has no unit", "499", "1741305600000"],
    ["the reset is no duration", "499", "soon"],
    ["the reset is endless", "499", `${"9".repeat(400)}s`],
    ["there is no reset", "499", undefined],
  ])("is a minute when it cannot be told: %s", (_, remaining, reset) => {
    expect(requests("500", remaining, reset)).toEqual([`requests ${remaining} of 500 per minute`]);
  });
});

describe("the period of a limit on tokens", () => {
  it.each([
    ["6000", "5965", "350ms", "tokens 5965 of 6000 per minute"],
    ["18000", "17997", "7.66s", "tokens 17997 of 18000 per minute"],
    ["500000", "400000", "4h48m0s", "tokens 400000 of 500000 per day"],
    ["500000", "499000", "2m52.8s", "tokens 499000 of 500000 per day"],
  ])("%s, of which %s remain and which is full in %s", (limit, remaining, reset, expected) => {
    expect(tokens(limit, remaining, reset)).toEqual([expected]);
  });
});

describe("x-ratelimit-renewalperiod", () => {
  it.each([
    ["50", "48", "60", "requests 48 of 50 per minute"],
    ["50", "48", "86400", "requests 48 of 50 per day"],
    ["50", "48", "10", "requests 288 of 300 per minute"],
    ["50", "0", "10", "requests 0 of 300 per minute"],
    ["1000", "990", "3600", "requests 16 of 16 per minute"],
    ["1000", "70", "3600", "requests 2 of 16 per minute"],
    // Less than 1 would refuse every call.
    ["10", "10", "3600", "requests 1 of 1 per minute"],
    ["10", "0", "3600", "requests 0 of 1 per minute"],
  ])("%s, of which %s remain, in %s s", (limit, remaining, renewalPeriod, expected) => {
    expect(requests(limit, remaining, "1", renewalPeriod)).toEqual([expected]);
  });

  it("wins over what the reset would tell", () => {
    expect(requests("200", "199", "7m12s", "60")).toEqual(["requests 199 of 200 per minute"]);
  });

  it.each(["0", "-60", "soon", ""])("%j says nothing", (renewalPeriod) => {
    expect(requests("200", "199", "7m12s", renewalPeriod)).toEqual(["requests 199 of 200 per day"]);
  });
});

describe("Anthropic's headers", () => {
  const names = ["requests", "tokens", "input-tokens", "output-tokens"];

  it("are per minute, whatever the reset", () => {
    const headers = names.flatMap((name) => [
      [`anthropic-ratelimit-${name}-limit`, "4000"],
      [`anthropic-ratelimit-${name}-remaining`, "3999"],
      [`anthropic-ratelimit-${name}-reset`, "2026-11-24T12:00:00Z"],
    ]);
    expect(read(Object.fromEntries(headers) as Record<string, string>)).toEqual([
      "requests 3999 of 4000 per minute",
      "tokens 3999 of 4000 per minute",
      "inputTokens 3999 of 4000 per minute",
      "outputTokens 3999 of 4000 per minute",
    ]);
  });

  it("do not count beside a gateway's lower limit, and count when theirs is lower", () => {
    const gateway = { "x-ratelimit-limit-requests": "50", "x-ratelimit-remaining-requests": "7" };
    const vendor = (limit: string): Record<string, string> => ({
      "anthropic-ratelimit-requests-limit": limit,
      "anthropic-ratelimit-requests-remaining": "40",
    });
    expect(read({ ...gateway, ...vendor("100") })).toEqual(["requests 7 of 50 per minute"]);
    expect(read({ ...gateway, ...vendor("45") })).toEqual(["requests 40 of 45 per minute"]);
  });
});

describe("what makes no sense", () => {
  it.each(["0", "0.5", "-1", "", "NaN", "Infinity", "unlimited", "1e3", "9223372036854775807", "9".repeat(400)])(
    "a limit of %s is none",
    (limit) => {
      expect(requests(limit, "1", "1s")).toEqual([]);
      expect(requests(limit, "1", "1", "10")).toEqual([]);
      expect(read({ "anthropic-ratelimit-tokens-limit": limit })).toEqual([]);
    },
  );

  it.each(["-1", "", "NaN", "501", "4294967295", "1e1"])("%s of 500 cannot remain", (remaining) => {
    expect(requests("500", remaining, "120ms")).toEqual(["requests ? of 500 per minute"]);
  });

  it("nothing remains, but it is full at once", () => {
    expect(requests("500", "0", "0s")).toEqual(["requests ? of 500 per minute"]);
    expect(requests("500", "0", "0m30s")).toEqual(["requests 0 of 500 per minute"]);
  });

  it("a limit without its limit", () => {
    const headers = { "x-ratelimit-remaining-tokens": "10", "anthropic-ratelimit-requests-remaining": "10" };
    expect(read(headers)).toEqual([]);
  });

  it("says how many remain in whole numbers", () => {
    expect(requests("500.9", "499.9", "120ms")).toEqual(["requests 499 of 500 per minute"]);
  });
});

it("a vendor that sends none, such as vLLM or Ollama, has said nothing", () => {
  expect(read({ "content-type": "application/json", "retry-after": "7", "x-ratelimit-limit": "80" })).toEqual([]);
});
