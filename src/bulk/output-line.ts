import type { CacheUse, Finishing, GenerationResult, SimilarText } from "../job/generation-result.ts";
import type { JobKind } from "../job/generation-job.ts";

/** A line of a bulk run's output, and what `enqueue --wait` and `result` print. USD, not micro-USD: people read it. */
export interface OutputLine {
  readonly id: string;
  readonly agent: string;
  readonly kind: JobKind;
  readonly status: GenerationResult["status"];
  /** Of `held` ones as well. */
  readonly text?: string;
  /** Of a thread. */
  readonly posts?: readonly string[];
  readonly provider?: string;
  readonly model?: string;
  readonly finishReason?: string;
  readonly usage?: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly totalTokens: number;
    readonly cachedInputTokens: number;
    readonly reasoningTokens: number;
    readonly estimated: boolean;
  };
  /** `null`: the price of at least one attempt is unknown. */
  readonly costUsd: number | null;
  /** What was done to the text, and how long X takes it to be. */
  readonly finishing?: Finishing;
  /** It is much like the text of that job. */
  readonly similarTo?: SimilarText;
  /** It was not written for this job. */
  readonly cache?: CacheUse;
  readonly adjustedParams?: readonly { readonly parameter: string; readonly change: string; readonly why: string }[];
  /** When its texts were purged, epoch ms. */
  readonly purgedAt?: number;
  readonly attempts: readonly OutputAttempt[];
  readonly error?: string;
}

export interface OutputAttempt {
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
  readonly durationMs: number;
  readonly costUsd: number | null;
  readonly possiblyBilled?: true;
  readonly error?: string;
}

export function outputLine(result: GenerationResult): OutputLine {
  const { id, agentId, kind, status } = result;
  const attempts = result.attempts.map(
    ({ provider, model, outcome, durationMs, costMicroUsd, possiblyBilled, message }): OutputAttempt => ({
      provider,
      model,
      outcome,
      durationMs,
      costUsd: toUsd(costMicroUsd),
      ...(possiblyBilled ? { possiblyBilled } : {}),
      ...(message === null ? {} : { error: message }),
    }),
  );
  const head = { id, agent: agentId, kind, status };
  const purged = result.purgedAt === undefined ? {} : { purgedAt: result.purgedAt };
  const tail = { costUsd: toUsd(result.costMicroUsd), ...purged, attempts };
  if (result.status !== "succeeded") {
    return { ...head, ...(result.text === undefined ? {} : { text: result.text }), ...tail, error: result.reason };
  }
  const { text, posts, provider, model, finishReason, usage, adjustedParams, finishing, similarTo, cache } = result;
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, estimated } = usage;
  return {
    ...head,
    text,
    ...(posts === undefined ? {} : { posts }),
    provider,
    model,
    finishReason,
    usage: {
      inputTokens,
      outputTokens,
      totalTokens: inputTokens + outputTokens,
      cachedInputTokens,
      reasoningTokens,
      estimated,
    },
    ...tail,
    ...(finishing === undefined ? {} : { finishing }),
    ...(similarTo === undefined ? {} : { similarTo }),
    ...(cache === undefined ? {} : { cache }),
    ...(adjustedParams.length === 0 ? {} : { adjustedParams }),
  };
}

export function toUsd(microUsd: number | null): number | null {
  return microUsd === null ? null : Math.round(microUsd * 1e6) / 1e12;
}
