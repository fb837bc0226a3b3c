import { nearestRank } from "../compare/nearest-rank.ts";
import type { AttemptSummary, GenerationResult } from "../job/generation-result.ts";
import type { ShownUsage } from "./tables.ts";

/** The usage of the results at hand, exact latencies included; the counters in Redis know all other runs as well. */
export class RunUsage {
  private readonly attempts: { readonly agentId: string; readonly attempt: AttemptSummary }[] = [];

  add({ agentId, attempts }: GenerationResult): void {
    for (const attempt of attempts) this.attempts.push({ agentId, attempt });
  }

  by(dimension: "provider" | "agent"): ShownUsage[] {
    const groups = Map.groupBy(this.attempts, ({ agentId, attempt }) =>
      dimension === "agent" ? agentId : attempt.provider,
    );
    return [...groups].map(([key, group]) =>
      usageOf(
        key,
        group.map(({ attempt }) => attempt),
      ),
    );
  }
}

function usageOf(key: string, attempts: readonly AttemptSummary[]): ShownUsage {
  const total = (value: (attempt: AttemptSummary) => number): number =>
    attempts.reduce((sum, attempt) => sum + value(attempt), 0);
  const latencies = attempts
    // How long a call took whose worker died is not known.
    .filter(({ outcome }) => outcome !== "crashed")
    .map(({ durationMs }) => durationMs)
    .sort((a, b) => a - b);
  // As in the report of the counters.
  const at = (share: number): number => nearestRank(latencies, share);
  const inputTokens = total((attempt) => attempt.inputTokens);
  const outputTokens = total((attempt) => attempt.outputTokens);
  return {
    key,
    requests: attempts.length,
    failures: total(({ outcome }) => (outcome === "succeeded" ? 0 : 1)),
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    costMicroUsd: exact(total(({ costMicroUsd }) => costMicroUsd ?? 0)),
    possiblyBilledMicroUsd: exact(total((attempt) => (attempt.possiblyBilled ? (attempt.costMicroUsd ?? 0) : 0))),
    unpriced: total(({ costMicroUsd }) => (costMicroUsd === null ? 1 : 0)),
    averageMs: Math.round(total(({ durationMs }) => durationMs) / Math.max(1, attempts.length)),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
  };
}

/** To 1e-12 USD: sums of binary fractions have a rest that no price has. */
function exact(microUsd: number): number {
  return Math.round(microUsd * 1e6) / 1e6;
}
