import type { AdjustedParameter, FinishReason, ProviderId, TokenUsage } from "../providers/provider.ts";
import type { SimilarText, TextChange } from "./generation-result.ts";
import type { DraftReason } from "./usage-record.ts";

/** A finished text and the answer that it comes from. */
export interface FinishedText {
  /** One; of a thread as many as it has. */
  readonly posts: readonly [string, ...string[]];
  readonly changes: readonly TextChange[];
  /** Of the longest post, as X counts. */
  readonly weightedLength: number;
  readonly member: number;
  readonly provider: ProviderId;
  readonly model: string;
  readonly finishReason: FinishReason;
  readonly usage: Omit<TokenUsage, "raw">;
  readonly adjustedParams: readonly AdjustedParameter[];
}

/**
 * A text that is good, but not good enough: the next call asks for a better one. It is kept with the job, so that a
 * retry or another worker goes on from it, and becomes the result when nothing better comes.
 */
export interface Draft extends FinishedText {
  readonly why: DraftReason;
  /** For `duplicate`: the text that it is like. */
  readonly similarTo: SimilarText | null;
}
