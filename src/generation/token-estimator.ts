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
}

/** Guesses what a call will use, from what the same agent's calls of the same kind have used. */
export interface TokenEstimator {
  estimate(input: EstimateInput): EstimatedTokens;
  learn(input: EstimateInput, row: UsageRecord): void;
}

/** Weight of the newest call. */
const WEIGHT = 0.1;
/** Half a standard deviation above the mean: what was reserved too much comes back, what was missing is refused. */
const DEVIATIONS = 0.5;
/** Before anything is known: English has about 4 bytes a token, most other texts more tokens. */
const TOKENS_PER_BYTE = 0.3;
const KEPT = 20_000;

interface Statistics {
  tokensPerByte: number;
  outputTokens: number;
  outputVariance: number;
}

export function createTokenEstimator(): TokenEstimator {
  const known = new Map<string, Statistics>();
  return {
    estimate(input) {
      const statistics = known.get(keyOf(input));
      const tokensPerByte = statistics?.tokensPerByte ?? TOKENS_PER_BYTE;
      const output =
        statistics === undefined
          ? input.capTokens
          : statistics.outputTokens + DEVIATIONS * Math.sqrt(statistics.outputVariance);
      return {
        inputTokens: Math.max(1, Math.ceil(input.inputBytes * tokensPerByte)),
        outputTokens: Math.max(1, Math.min(input.capTokens, Math.ceil(output))),
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

function after(before: Statistics | undefined, tokensPerByte: number, outputTokens: number): Statistics {
  if (before === undefined) return { tokensPerByte, outputTokens, outputVariance: 0 };
  const difference = outputTokens - before.outputTokens;
  return {
    tokensPerByte: before.tokensPerByte + WEIGHT * (tokensPerByte - before.tokensPerByte),
    outputTokens: before.outputTokens + WEIGHT * difference,
    outputVariance: (1 - WEIGHT) * (before.outputVariance + WEIGHT * difference ** 2),
  };
}

function keyOf({ agentId, kind, provider, model }: EstimateInput): string {
  return `${provider}/${model} ${kind} ${agentId}`;
}
