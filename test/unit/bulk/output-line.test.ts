import { describe, expect, it } from "vitest";
import { outputLine } from "../../../src/bulk/output-line.ts";
import type { AttemptSummary, SucceededResult } from "../../../src/job/generation-result.ts";

const ATTEMPT: AttemptSummary = {
  attempt: 1,
  provider: "openai",
  model: "gpt-6-luna",
  request: "generate",
  outcome: "timeout",
  durationMs: 30_000,
  inputTokens: 0,
  outputTokens: 0,
  costMicroUsd: 142.1,
  possiblyBilled: true,
  message: "no answer within 30000 ms",
};

const RESULT: SucceededResult = {
  status: "succeeded",
  id: "row-1",
  agentId: "ada",
  kind: "tweet",
  attempts: [
    ATTEMPT,
    { ...ATTEMPT, attempt: 2, outcome: "succeeded", costMicroUsd: 0.3, possiblyBilled: false, message: null },
  ],
  costMicroUsd: 142.4,
  finishedAt: 1,
  text: "Looms!",
  provider: "openai",
  model: "gpt-6-luna",
  finishReason: "stop",
  usage: {
    inputTokens: 10,
    outputTokens: 5,
    cachedInputTokens: 2,
    reasoningTokens: 1,
    estimated: false,
  },
  adjustedParams: [],
};

describe("an output line", () => {
  it("shows a success with its tokens and every attempt, in USD without binary rests", () => {
    expect(outputLine(RESULT)).toEqual({
      id: "row-1",
      agent: "ada",
      kind: "tweet",
      status: "succeeded",
      text: "Looms!",
      provider: "openai",
      model: "gpt-6-luna",
      finishReason: "stop",
      usage: {
        inputTokens: 10,
        outputTokens: 5,
        totalTokens: 15,
        cachedInputTokens: 2,
        reasoningTokens: 1,
        estimated: false,
      },
      costUsd: 0.0001424,
      attempts: [
        {
          provider: "openai",
          model: "gpt-6-luna",
          outcome: "timeout",
          durationMs: 30_000,
          costUsd: 0.0001421,
          possiblyBilled: true,
          error: "no answer within 30000 ms",
        },
        { provider: "openai", model: "gpt-6-luna", outcome: "succeeded", durationMs: 30_000, costUsd: 3e-7 },
      ],
    });
  });

  it("names parameters that were not sent as configured", () => {
    const adjustedParams = [{ parameter: "stop", change: "dropped", why: "the model does not take it" }];
    expect(outputLine({ ...RESULT, adjustedParams })).toMatchObject({ adjustedParams });
  });

  it("shows a failure with its reason, and no price where one is unknown", () => {
    const { id, agentId, kind, finishedAt } = RESULT;
    const failed = {
      status: "failed",
      id,
      agentId,
      kind,
      finishedAt,
      attempts: [],
      costMicroUsd: null,
      reason: "a/m: timeout",
    } as const;
    expect(outputLine(failed)).toEqual({
      id: "row-1",
      agent: "ada",
      kind: "tweet",
      status: "failed",
      costUsd: null,
      attempts: [],
      error: "a/m: timeout",
    });
  });
});
