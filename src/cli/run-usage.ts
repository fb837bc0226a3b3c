import { nearestRank } from "../compare/nearest-rank.ts";
import type { AttemptSummary, GenerationResult } from "../job/generation-result.ts";
import type { ShownUsage } from "./tables.ts";

type Sums = Record<
  | "requests"
  | "failures"
  | "inputTokens"
  | "outputTokens"
  | "costMicroUsd"
  | "possiblyBilledMicroUsd"
  | "unpriced"
  | "durationMs",
  number
>;

interface Group {
  readonly sums: Sums;
  /** How long a call took whose worker died is not known. */
  readonly latenciesMs: number[];
}

const DIMENSIONS = ["provider", "agent"] as const;
type Dimension = (typeof DIMENSIONS)[number];

/**
 * The usage of the results at hand, exact latencies included; the counters in Redis know all other runs as well. Of an
 * attempt only numbers are kept: there may be a million.
 */
export class RunUsage {
  readonly #groups: Readonly<Record<Dimension, Map<string, Group>>> = { provider: new Map(), agent: new Map() };
  #fromCache = 0;

  add(result: GenerationResult): void {
    if (result.status === "succeeded" && result.cache !== undefined) this.#fromCache++;
    for (const attempt of result.attempts) {
      this.#count("provider", attempt.provider, attempt);
      this.#count("agent", result.agentId, attempt);
    }
  }

  /** Texts that were not written for their job. */
  get fromCache(): number {
    return this.#fromCache;
  }

  by(dimension: Dimension): ShownUsage[] {
    return [...this.#groups[dimension]].map(([key, group]) => usageOf(key, group));
  }

  #count(dimension: Dimension, key: string, attempt: AttemptSummary): void {
    const group = this.#groups[dimension].get(key) ?? { sums: noSums(), latenciesMs: [] };
    this.#groups[dimension].set(key, group);
    const { sums } = group;
    const { outcome, costMicroUsd, durationMs } = attempt;
    sums.requests++;
    sums.failures += outcome === "succeeded" ? 0 : 1;
    sums.inputTokens += attempt.inputTokens;
    sums.outputTokens += attempt.outputTokens;
    sums.costMicroUsd += costMicroUsd ?? 0;
    sums.possiblyBilledMicroUsd += attempt.possiblyBilled ? (costMicroUsd ?? 0) : 0;
    sums.unpriced += costMicroUsd === null ? 1 : 0;
    sums.durationMs += durationMs;
    if (outcome !== "crashed") group.latenciesMs.push(durationMs);
  }
}

function noSums(): Sums {
  return {
    ...{ requests: 0, failures: 0, inputTokens: 0, outputTokens: 0 },
    ...{ costMicroUsd: 0, possiblyBilledMicroUsd: 0, unpriced: 0, durationMs: 0 },
  };
}

function usageOf(key: string, { sums, latenciesMs }: Group): ShownUsage {
  const { durationMs, ...counts } = sums;
  const sorted = Float64Array.from(latenciesMs).sort();
  // As in the report of the counters.
  const at = (share: number): number => nearestRank(sorted, share);
  return {
    key,
    ...counts,
    totalTokens: sums.inputTokens + sums.outputTokens,
    costMicroUsd: exact(sums.costMicroUsd),
    possiblyBilledMicroUsd: exact(sums.possiblyBilledMicroUsd),
    averageMs: Math.round(durationMs / Math.max(1, sums.requests)),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
  };
}

/** To 1e-12 USD: sums of binary fractions have a rest that no price has. */
function exact(microUsd: number): number {
  return Math.round(microUsd * 1e6) / 1e6;
}
