import { describe, expect, it } from "vitest";
import { createTokenEstimator, type EstimateInput } from "../../../src/generation/token-estimator.ts";
import { rowOf } from "./decide-input.ts";

const CALL: EstimateInput = {
  agentId: "ada",
  kind: "tweet",
  provider: "openai",
  model: "gpt-6-luna",
  inputBytes: 400,
  capTokens: 280,
};

function used(inputTokens: number, outputTokens: number, estimated = false) {
  const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated, raw: null };
  return rowOf({ outcome: "succeeded", usage });
}

describe("a token estimator", () => {
  it("expects the whole cap before it knows better", () => {
    expect(createTokenEstimator().estimate(CALL)).toEqual({ inputTokens: 120, outputTokens: 280, isGuess: true });
  });

  it("expects what the last call used, for a prompt of another size as well", () => {
    const estimator = createTokenEstimator();
    estimator.learn(CALL, used(100, 40));
    expect(estimator.estimate(CALL)).toEqual({ inputTokens: 100, outputTokens: 40, isGuess: false });
    expect(estimator.estimate({ ...CALL, inputBytes: 800 }).inputTokens).toBe(200);
  });

  it("learns by agent, kind, provider and model", () => {
    const estimator = createTokenEstimator();
    estimator.learn(CALL, used(100, 40));
    const others: Partial<EstimateInput>[] = [
      { agentId: "nori" },
      { kind: "reply" },
      { provider: "grok" },
      { model: "m" },
    ];
    for (const other of others) expect(estimator.estimate({ ...CALL, ...other }).outputTokens).toBe(280);
  });

  it("stays above the mean when calls differ, and below the cap", () => {
    const estimator = createTokenEstimator();
    for (let call = 0; call < 200; call++) estimator.learn(CALL, used(100, call % 2 === 0 ? 30 : 50));
    const { outputTokens } = estimator.estimate(CALL);
    expect(outputTokens).toBeGreaterThan(41);
    expect(outputTokens).toBeLessThan(50);
    expect(estimator.estimate({ ...CALL, capTokens: 20 }).outputTokens).toBe(20);
  });

  it("learns nothing from calls that told no usage, or of which it was guessed", () => {
    const estimator = createTokenEstimator();
    estimator.learn(CALL, rowOf({ outcome: "timeout" }));
    estimator.learn(CALL, used(100, 40, true));
    expect(estimator.estimate(CALL).outputTokens).toBe(280);
  });
});
