import type { AdjustedParameter, FinishReason, ProviderId, TokenUsage } from "../providers/provider.ts";
import type { JobKind } from "./generation-job.ts";
import type { AttemptOutcome, RequestKind } from "./usage-record.ts";

/** `held` is kept for texts that a later check sets aside for a person. */
export type TerminalStatus = "succeeded" | "failed" | "cancelled" | "expired" | "held";

/** What an attempt tells somebody who reads the result. The full row is the `UsageRecord`. */
export interface AttemptSummary {
  readonly attempt: number;
  readonly provider: ProviderId;
  readonly model: string;
  readonly request: RequestKind;
  readonly outcome: AttemptOutcome;
  readonly durationMs: number;
  /** 0 when the attempt told none. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicroUsd: number | null;
  readonly possiblyBilled: boolean;
  readonly message: string | null;
}

interface ResultBase {
  readonly id: string;
  readonly agentId: string;
  readonly kind: JobKind;
  readonly attempts: readonly AttemptSummary[];
  /** Sum over all attempts, in micro-USD; `null` when the price of at least one is unknown. */
  readonly costMicroUsd: number | null;
  /** Epoch ms. */
  readonly finishedAt: number;
}

export interface SucceededResult extends ResultBase {
  readonly status: "succeeded";
  readonly text: string;
  readonly provider: ProviderId;
  readonly model: string;
  readonly finishReason: FinishReason;
  /** Of the successful attempt; its usage row has the vendor's own numbers as well. */
  readonly usage: Omit<TokenUsage, "raw">;
  readonly adjustedParams: readonly AdjustedParameter[];
}

export interface UnsuccessfulResult extends ResultBase {
  readonly status: Exclude<TerminalStatus, "succeeded">;
  /** One line for people; for a failed chain it names the reason per provider. */
  readonly reason: string;
}

/** The terminal record of a job: the first one written wins, and there is exactly one. */
export type GenerationResult = SucceededResult | UnsuccessfulResult;
