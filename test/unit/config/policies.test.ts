import { expect, it } from "vitest";
import { configFileSchema } from "../../../src/config/config-file.ts";
import { admissionPolicyOf, generationPolicyOf } from "../../../src/config/policies.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";

it("what the configuration file says about limits, breaker and budgets, in the units of ADMIT", () => {
  const file = configFileSchema.parse({
    limits: [{ provider: "openai", requestsPerMinute: 60 }],
    breaker: { windowSeconds: 30, openSeconds: 5 },
    budgets: { globalUsdPerDay: 2.5, providerUsdPerDay: { grok: 1 }, agentsUsdPerDay: { ada: 0.5 } },
  });
  const policy = admissionPolicyOf(file, PROVIDERS);
  expect(policy.limits).toEqual([
    {
      provider: "openai",
      model: null,
      requestsPerMinute: 60,
      dayEndsIn: "UTC",
      burstSeconds: 1,
      tokensCounted: "used",
    },
  ]);
  expect([...policy.unlimited]).toEqual(["fake", "local"]);
  expect(policy.breaker).toEqual({ failureShare: 0.5, minCalls: 10, windowMs: 30_000, openMs: 5000 });
  expect(policy.budgets).toEqual({
    globalMicroUsd: 2_500_000,
    providersMicroUsd: new Map([["grok", 1_000_000]]),
    agentMicroUsd: null,
    agentsMicroUsd: new Map([["ada", 500_000]]),
    warnShare: 0.8,
    unknownPrice: "allow",
  });
});

it("replies fail over after the first failure by default, other jobs after their retries", () => {
  const { failOverAfter, attempts } = generationPolicyOf(configFileSchema.parse({}));
  expect(failOverAfter).toEqual({ reply: 1, scheduled: 3, bulk: 3 });
  expect(attempts).toBe(3);
});
