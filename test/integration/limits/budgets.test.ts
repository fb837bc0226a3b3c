import { expect, it } from "vitest";
import { ADA } from "../../support/generation-system.ts";
import { startLimitedVendor } from "../../support/limited-vendor.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

/** Answers use 60 + 40 tokens: 100 micro-USD each. */
const PRICES = [{ provider: "openai", model: "gpt-6-luna", inputMtok: 1, outputMtok: 1 }];

it("fifty parallel jobs of an agent: its budget pays for twenty, the others fail, and no fall-back is asked", async () => {
  await using openai = await startLimitedVendor({ medianLatencyMs: 20, sizeSpread: 0 });
  await using grok = await startRecordedServer();
  const settings = {
    prices: PRICES,
    limits: [{ provider: "openai", requestsPerMinute: 1e6 }],
    budgets: { agentsUsdPerDay: { ada: 0.002 } },
  };
  await using fleet = await startFleet({ processes: 3, openai, grok, settings, agents: [ADA] });
  const results = await fleet.results(await fleet.enqueue(50, { name: "job", agent: "ada" }));
  const succeeded = results.filter(({ status }) => status === "succeeded");
  const rows = await fleet.expectAccounted(openai.calls.length);
  const spent = rows.reduce((sum, { costMicroUsd }) => sum + (costMicroUsd ?? 0), 0);
  expect(spent, "never more than the budget: estimates begin high").toBeLessThanOrEqual(2000);
  expect(succeeded.length, "and nearly all of it").toBeGreaterThanOrEqual(17);
  expect(spent).toBe(succeeded.length * 100);
  for (const result of results) {
    if (result.status === "succeeded") continue;
    expect(result.status === "failed" && result.reason).toMatch(
      /^the budget of today \(UTC\) is used up: agent ada, 0\.00\d+ of 0\.002 USD spent$/,
    );
    expect(result.attempts).toEqual([]);
  }
  expect(grok.calls).toHaveLength(0);
  const alerts = fleet.logLines().filter(({ budget }) => budget === "agent ada");
  expect(alerts, "a warning and a stop, once each over all processes").toHaveLength(2);
});
