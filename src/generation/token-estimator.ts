import type { JobKind } from "../job/generation-job.ts";
import type { UsageRecord } from "../job/usage-record.ts";

export interface EstimateInput {
  readonly agentId: string;
  readonly kind: JobKind;
  readonly provider: string;
  readonly model: string;
  /** Of the prompt, UTF-8. */
  readonly inputBytes: number;
  /** The most that may be written. */
  readonly capTokens: number;
}

export interface EstimatedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** No such call was seen before. */
  readonly isGuess: boolean;
}

/** Guesses what a call will use, from what the same agent's calls of the same kind have used. */
export interface TokenEstimator {
  estimate(input: EstimateInput): EstimatedTokens;
  learn(input: EstimateInput, row: UsageRecord): void;
}

/** Weight of the newest call, once there were ten. Until then all count alike. */
const LEAST_WEIGHT = 0.1;
/**
 * Above the mean, in standard deviations: what was reserved too much comes back, what was missing is refused. And as many
 * more as the mean itself is uncertain.
 */
const DEVIATIONS = 0.3;
/** Before anything is known: English has about 4 bytes a token, most other texts more tokens. */
const TOKENS_PER_BYTE = 0.3;
const KEPT = 20_000;

interface Average {
  readonly mean: number;
  readonly variance: number;
}

interface Statistics {
  readonly calls: number;
  readonly tokensPerByte: Average;
  readonly outputTokens: Average;
}

export function createTokenEstimator(): TokenEstimator {
  const known = new Map<string, Statistics>();
  return {
    estimate(input) {
      const statistics = known.get(keyOf(input));
      const tokensPerByte = probably(statistics, "tokensPerByte") ?? TOKENS_PER_BYTE;
      const output = probably(statistics, "outputTokens") ?? input.capTokens;
      return {
        inputTokens: Math.max(1, Math.ceil(input.inputBytes * tokensPerByte)),
        outputTokens: Math.max(1, Math.min(input.capTokens, Math.ceil(output))),
        isGuess: statistics === undefined,
      };
    },
    learn(input, { usage }) {
      if (usage === null || usage.estimated || input.inputBytes === 0) return;
      const key = keyOf(input);
      const before = known.get(key);
      if (before === undefined && known.size >= KEPT) known.delete(known.keys().next().value ?? "");
      known.set(key, after(before, usage.inputTokens / input.inputBytes, usage.outputTokens));
    },
  };
}

function probably(statistics: Statistics | undefined, what: "tokensPerByte" | "outputTokens"): number | undefined {
  if (statistics === undefined) return undefined;
  const { mean, variance } = statistics[what];
  return mean + Math.sqrt(variance) * (DEVIATIONS + 1 / Math.sqrt(statistics.calls));
}

function after(before: Statistics | undefined, tokensPerByte: number, outputTokens: number): Statistics {
  const calls = (before?.calls ?? 0) + 1;
  const weight = Math.max(LEAST_WEIGHT, 1 / calls);
  return {
    calls,
    tokensPerByte: moved(before?.tokensPerByte, tokensPerByte, weight),
    outputTokens: moved(before?.outputTokens, outputTokens, weight),
  };
}

function moved(average: Average | undefined, value: number, weight: number): Average {
  if (average === undefined) return { mean: value, variance: 0 };
  const difference = value - average.mean;
  return {
    mean: average.mean + weight * difference,
    variance: (1 - weight) * (average.variance + weight * difference ** 2),
  };
}

function keyOf({ agentId, kind, provider, model }: EstimateInput): string {
  return `${provider}/${model} ${kind} ${agentId}`;
}
