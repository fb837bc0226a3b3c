import type { AdjustedParameter, FinishReason, ProviderId, TokenUsage } from "../providers/provider.ts";
import type { JobKind } from "./generation-job.ts";
import type { AttemptOutcome, RequestKind } from "./usage-record.ts";

/** `held`: there is a text, and a check has set it aside for a person. */
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
  /** Epoch ms: when its texts and messages were removed on purpose (`purge`). Absent: they are all there. */
  readonly purgedAt?: number;
}

/** What was done to the model's text, in this order. */
export type TextChange =
  | "thoughts-removed"
  | "characters-removed"
  | "label-removed"
  | "quotes-removed"
  | "markdown-removed"
  | "handle-removed"
  | "shortened"
  | "cut";

export interface Finishing {
  readonly changes: readonly TextChange[];
  /** As X counts: a URL is 23, an emoji or a CJK character 2; of a thread its longest post. */
  readonly weightedLength: number;
  /** The most that it may be; `null`: no limit. */
  readonly limit: number | null;
}

/** A text that much like this one was written before. */
export interface SimilarText {
  readonly jobId: string;
  /** Jaccard similarity of their character 4-grams, 0–1; 1: the same after normalising. */
  readonly similarity: number;
}

/**
 * Where a text came from that was not written for this job: `hit`: an earlier answer; `shared`: the answer to an identical
 * request of the same time; `stale`: one past its time, because every provider had failed.
 */
export type CacheUse = "hit" | "shared" | "stale";

export interface SucceededResult extends ResultBase {
  readonly status: "succeeded";
  readonly text: string;
  readonly provider: ProviderId;
  readonly model: string;
  readonly finishReason: FinishReason;
  /** Of the successful attempt; its usage row has the vendor's own numbers as well. */
  readonly usage: Omit<TokenUsage, "raw">;
  readonly adjustedParams: readonly AdjustedParameter[];
  /** Absent: it is no post, or comes from a time before there was any finishing. */
  readonly finishing?: Finishing;
  /** Of a thread: its posts in order; `text` has all of them. */
  readonly posts?: readonly string[];
  /** Flagged: it is still like another text after all regenerations. */
  readonly similarTo?: SimilarText;
  /** Absent: it was written for this job. Then `usage` and cost are 0. */
  readonly cache?: CacheUse;
}

export interface UnsuccessfulResult extends ResultBase {
  readonly status: Exclude<TerminalStatus, "succeeded">;
  /** One line for people; for a failed chain it names the reason per provider. */
  readonly reason: string;
  /** With `held`: the text that was set aside. */
  readonly text?: string;
}

/** The terminal record of a job: the first one written wins, and there is exactly one. */
export type GenerationResult = SucceededResult | UnsuccessfulResult;
