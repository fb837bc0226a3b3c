import type { AttemptSummary } from "./generation-result.ts";
import type { UsageRecord } from "./usage-record.ts";

export function summaryOf(row: UsageRecord): AttemptSummary {
  const { attempt, provider, model, request, outcome, durationMs, costMicroUsd, possiblyBilled, message } = row;
  const { inputTokens, outputTokens } = row.usage ?? { inputTokens: 0, outputTokens: 0 };
  return {
    attempt,
    provider,
    model,
    request,
    outcome,
    durationMs,
    inputTokens,
    outputTokens,
    costMicroUsd,
    possiblyBilled,
    message,
  };
}

/**
 * The sum over all attempts, in micro-USD. An unknown price makes the sum unknown: a sum that leaves something out would
 * be a lie.
 */
export function totalCostMicroUsd(rows: readonly UsageRecord[]): number | null {
  return rows.reduce<number | null>(
    (sum, row) => (sum === null || row.costMicroUsd === null ? null : Math.round((sum + row.costMicroUsd) * 1e6) / 1e6),
    0,
  );
}
