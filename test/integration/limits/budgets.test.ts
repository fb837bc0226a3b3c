import { expect, it } from "vitest";
import { ADA } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

const JOBS = 50;
const PROCESSES = 2;
const CONCURRENCY = 8;
/** What the budget pays for, at 40 tokens in and 8 out, 10 USD a million each. */
const AFFORDABLE = 20;
const LIMIT_MICRO_USD = AFFORDABLE * 480;
const ADAS_BUDGET = {
  prices: [
    { provider: "openai", model: "gpt-6-luna", inputMtok: 10, outputMtok: 10 },
    { provider: "grok", model: "grok-4.3", inputMtok: 10, outputMtok: 10 },
  ],
  budgets: { agentsUsdPerDay: { ada: LIMIT_MICRO_USD / 1e6 } },
};
const USED_UP =
  /^the budget of today \(UTC\) is used up: agent ada, 0\.00\d+ of 0\.0096 USD spent(?:; openai\/gpt-6-luna: .*)?$/;

interface Spending {
  readonly succeeded: number;
  readonly spentMicroUsd: number;
  /** By how much the most expensive call was dearer than what was held for it. */
  readonly worstErrorMicroUsd: number;
}

/** Many jobs at once, of which the budget pays for some. */
async function spendOn(answer: Answer): Promise<Spending> {
  await using openai = await startRecordedServer(answer);
  await using grok = await startRecordedServer();
  const parts = { processes: PROCESSES, concurrency: CONCURRENCY, settings: ADAS_BUDGET, agents: [ADA] };
  await using fleet = await startFleet({ ...parts, openai, grok });
  const results = await fleet.results(await fleet.enqueue(JOBS, { name: "job", agent: "ada", urgency: "reply" }));

  const succeeded = results.filter(({ status }) => status === "succeeded");
  expect(openai.calls).toHaveLength(succeeded.length);
  for (const result of results) if (result.status !== "succeeded") expect(result.status).toBe("failed");
  const reasons = results.flatMap((result) => (result.status === "failed" ? [result.reason] : []));
  for (const reason of reasons) expect(reason).toMatch(USED_UP);
  expect(grok.calls, "money is no reason to ask the next provider").toEqual([]);

  const warnings = fleet.logLines().filter(({ budget }) => budget !== undefined);
  expect(
    warnings.map(({ msg }) => String(msg)).toSorted((a, b) => a.length - b.length),
    "a warning and an end, each one line in one of the processes",
  ).toEqual([
    expect.stringMatching(/^budget of today \(UTC\): agent ada has used (?:8\d|9\d|100) % of it$/),
    "budget of today (UTC) is used up: agent ada; its jobs fail until tomorrow",
  ]);
  const rows = await fleet.expectAccounted(openai.calls.length);
  return {
    succeeded: succeeded.length,
    spentMicroUsd: rows.reduce((sum, { costMicroUsd }) => sum + (costMicroUsd ?? 0), 0),
    worstErrorMicroUsd: Math.max(
      ...rows.map(({ costMicroUsd, reservedMicroUsd }) => (costMicroUsd ?? 0) - reservedMicroUsd),
    ),
  };
}

it("an agent's budget is not overrun by parallel calls; jobs that it does not pay for fail and say so", async () => {
  const { succeeded, spentMicroUsd } = await spendOn(completionAnswer());
  expect(spentMicroUsd).toBeLessThanOrEqual(LIMIT_MICRO_USD);
  expect(succeeded).toBeLessThanOrEqual(AFFORDABLE);
  // A process that has seen no answer yet holds the whole cap, which is less than half of the budget.
  expect(succeeded).toBeGreaterThanOrEqual(AFFORDABLE / 2);
});

it("calls that cost more than was expected overrun it by no more than their own surplus", async () => {
  const { spentMicroUsd, worstErrorMicroUsd } = await spendOn(({ index }) => {
    const output = index % 4 === 3 ? 28 : 8;
    return completionAnswer({ usage: { prompt_tokens: 40, completion_tokens: output, total_tokens: 40 + output } });
  });
  expect(worstErrorMicroUsd, "the answers are a surprise").toBeGreaterThan(0);
  // All that can be under way at once.
  expect(spentMicroUsd).toBeLessThanOrEqual(LIMIT_MICRO_USD + PROCESSES * CONCURRENCY * worstErrorMicroUsd);
});
