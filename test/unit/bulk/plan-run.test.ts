import { expect, it } from "vitest";
import { leastDurationMs, type PlannedLimit, type PlannedModel } from "../../../src/bulk/plan-run.ts";

const PLANNED: PlannedModel = {
  ...{ provider: "openai", model: "m", rows: 1000, inputTokens: 400_000, outputTokens: 100_000, costMicroUsd: 1 },
};

function limit(differences: Partial<PlannedLimit>): PlannedLimit {
  return { provider: "openai", model: null, burstSeconds: 1, ...differences };
}

it.each<[string, PlannedLimit[], number, number | null]>([
  ["nothing is limited", [], 1, null],
  ["another provider is limited", [limit({ provider: "grok", requestsPerMinute: 1 })], 1, null],
  ["600 a minute: 1,000 take 100 s, less a second's burst", [limit({ requestsPerMinute: 600 })], 1, 99_000],
  ["with two keys half of that", [limit({ requestsPerMinute: 600 })], 2, 49_000],
  ["8 a second", [limit({ requestsPerSecond: 8 })], 1, 124_000],
  ["tokens take longer than requests", [limit({ requestsPerMinute: 6000, tokensPerMinute: 100_000 })], 1, 299_000],
  ["input and output apart", [limit({ inputTokensPerMinute: 400_000, outputTokensPerMinute: 50_000 })], 1, 119_000],
  ["a day's requests may be made at once", [limit({ requestsPerDay: 1000 })], 1, 0],
  ["the rest of them the next day", [limit({ requestsPerDay: 999 })], 1, 86_400_000],
  [
    "an entry for the model is all that counts for it",
    [limit({ requestsPerMinute: 1 }), limit({ model: "m", requestsPerMinute: 600 })],
    1,
    99_000,
  ],
  ["all fits into the burst", [limit({ requestsPerMinute: 60_000, burstSeconds: 5 })], 1, 0],
])("%s", (_, limits, keys, expected) => {
  expect(leastDurationMs(PLANNED, limits, keys)).toBe(expected);
});
