import { describe, expect, it } from "vitest";
import { RunUsage } from "../../../src/cli/run-usage.ts";
import type { AttemptSummary, UnsuccessfulResult } from "../../../src/job/generation-result.ts";

function attempt(differences: Partial<AttemptSummary>): AttemptSummary {
  return {
    attempt: 1,
    provider: "openai",
    model: "gpt-6-luna",
    request: "generate",
    outcome: "succeeded",
    durationMs: 100,
    inputTokens: 10,
    outputTokens: 5,
    costMicroUsd: 1,
    possiblyBilled: false,
    message: null,
    ...differences,
  };
}

function usageOf(
  ...results: readonly (readonly [agentId: string, ...attempts: Partial<AttemptSummary>[]])[]
): RunUsage {
  const usage = new RunUsage();
  for (const [agentId, ...attempts] of results) {
    const result: UnsuccessfulResult = {
      status: "failed",
      id: "row",
      agentId,
      kind: "tweet",
      attempts: attempts.map(attempt),
      costMicroUsd: 0,
      finishedAt: 0,
      reason: "",
    };
    usage.add(result);
  }
  return usage;
}

describe("the usage of a run", () => {
  const usage = usageOf(
    [
      "ada",
      { outcome: "timeout", durationMs: 300, costMicroUsd: 142, possiblyBilled: true },
      { provider: "grok", costMicroUsd: null },
    ],
    ["orbit", { outputTokens: 100, durationMs: 200 }],
  );

  it("is that of every attempt, by provider", () => {
    expect(usage.by("provider")).toEqual([
      {
        key: "openai",
        requests: 2,
        failures: 1,
        inputTokens: 20,
        outputTokens: 105,
        totalTokens: 125,
        costMicroUsd: 143,
        possiblyBilledMicroUsd: 142,
        unpriced: 0,
        averageMs: 250,
        p50Ms: expect.any(Number) as number,
        p95Ms: 300,
      },
      expect.objectContaining({ key: "grok", requests: 1, costMicroUsd: 0, unpriced: 1 }),
    ]);
  });

  it("or by agent", () => {
    expect(usage.by("agent").map(({ key, requests }) => [key, requests])).toEqual([
      ["ada", 2],
      ["orbit", 1],
    ]);
  });

  it("is nothing when nothing was called", () => {
    expect(new RunUsage().by("provider")).toEqual([]);
    expect(usageOf(["ada"]).by("agent")).toEqual([]);
  });
});

describe("its percentiles", () => {
  const latencies = (...durations: readonly number[]): unknown => {
    const [row] = usageOf(["ada", ...durations.map((durationMs) => ({ durationMs }))]).by("agent");
    return [row?.averageMs, row?.p50Ms, row?.p95Ms];
  };

  it("are exact, whatever the order", () => {
    expect(latencies(70)).toEqual([70, 70, 70]);
    expect(latencies(300, 100, 200)).toEqual([200, 200, 300]);
    expect(latencies(...Array.from({ length: 101 }, (_, index) => 101 - index))).toEqual([51, 51, 96]);
  });
});
