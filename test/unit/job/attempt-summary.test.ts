import { describe, expect, it } from "vitest";
import { summaryOf, totalCostMicroUsd } from "../../../src/job/attempt-summary.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";

const ROW: UsageRecord = {
  attemptId: "row-1.2",
  jobId: "row-1",
  attempt: 2,
  agentId: "ada",
  kind: "tweet",
  provider: "openai",
  model: "gpt-6-luna",
  keyId: null,
  member: 0,
  reservedMicroUsd: 0,
  request: "generate",
  outcome: "truncated-empty",
  sent: "yes",
  usage: { inputTokens: 10, outputTokens: 280, cachedInputTokens: 0, reasoningTokens: 280, estimated: false, raw: {} },
  costMicroUsd: 141,
  possiblyBilled: false,
  startedAt: 0,
  durationMs: 900,
  status: 200,
  retryAfterMs: null,
  parameter: null,
  message: "no text",
  requestId: "req_1",
};

function costs(...microUsd: readonly (number | null)[]): UsageRecord[] {
  return microUsd.map((costMicroUsd) => ({ ...ROW, costMicroUsd }));
}

describe("summaryOf", () => {
  it("keeps what a reader of the result wants to know of an attempt", () => {
    expect(summaryOf(ROW)).toEqual({
      attempt: 2,
      provider: "openai",
      model: "gpt-6-luna",
      request: "generate",
      outcome: "truncated-empty",
      durationMs: 900,
      inputTokens: 10,
      outputTokens: 280,
      costMicroUsd: 141,
      possiblyBilled: false,
      message: "no text",
    });
  });

  it("shows no tokens where none were told, and no price where none is known", () => {
    expect(summaryOf({ ...ROW, usage: null, costMicroUsd: null })).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      costMicroUsd: null,
    });
  });
});

describe("totalCostMicroUsd", () => {
  it("is the sum over all attempts, without binary rests", () => {
    expect(totalCostMicroUsd(costs(0.1, 0.2))).toBe(0.3);
    expect(totalCostMicroUsd(costs(...new Array<number>(12).fill(0.000001)))).toBe(0.000012);
  });

  it("is unknown when the price of one attempt is", () => {
    expect(totalCostMicroUsd(costs(1, null, 2))).toBeNull();
    expect(totalCostMicroUsd(costs(null))).toBeNull();
  });

  it("is 0 when nothing was called", () => {
    expect(totalCostMicroUsd([])).toBe(0);
  });
});
