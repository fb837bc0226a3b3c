import type { ProviderErrorKind, Sent } from "../providers/provider-error.ts";
import type { ProviderId, TokenUsage } from "../providers/provider.ts";
import type { JobKind } from "./generation-job.ts";

/** What is asked of a model: the text itself, a shorter form of a draft, or another text than a draft. */
export type RequestPurpose = "generate" | "shorten" | "regenerate";

/** What an attempt was for. `recover`: once more with a larger cap after an empty text that was cut by length. */
export type RequestKind = RequestPurpose | "recover";

/** Why an answer did not end its job: it is longer than a post may be, or much like a text that there is already. */
export type DraftReason = "too-long" | "duplicate";

/** How an attempt ended. `crashed`: its worker died before it could say; what the vendor did is unknown. */
export type AttemptOutcome = "succeeded" | "crashed" | ProviderErrorKind;

/**
 * One row per attempt, failed ones included: they can cost too. Written once, by SETTLE (or by the sweeper for an
 * attempt whose worker died; a late SETTLE then replaces that row).
 */
export interface UsageRecord {
  /** `<jobId>.<attempt>` */
  readonly attemptId: string;
  readonly jobId: string;
  /** Counted from 1 over the whole job, all providers and generations together. */
  readonly attempt: number;
  readonly agentId: string;
  readonly kind: JobKind;
  readonly provider: ProviderId;
  readonly model: string;
  /** Which key was used: eight hex digits that give nothing of it away; `null`: the provider has none. */
  readonly keyId: string | null;
  /** Position in the agent's chain, 0 = primary. */
  readonly member: number;
  readonly request: RequestKind;
  readonly outcome: AttemptOutcome;
  readonly sent: Sent;
  readonly usage: TokenUsage | null;
  /** Micro-USD (1e-6), fractions down to 1e-12 USD; `null`: the price is unknown, never 0. */
  readonly costMicroUsd: number | null;
  /** What was held of the budgets before the call, micro-USD; 0 when the price is not known. */
  readonly reservedMicroUsd: number;
  /** The vendor may have billed this attempt although we have no proof; `costMicroUsd` is then the upper bound. */
  readonly possiblyBilled: boolean;
  /** Epoch ms, clock of the worker. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly status: number | null;
  /** For `rate-limited` and `overloaded`: what the vendor asked for. */
  readonly retryAfterMs: number | null;
  /** For `unsupported-parameter`: its wire name. */
  readonly parameter: string | null;
  /** One line for people: why it failed. */
  readonly message: string | null;
  readonly requestId: string | null;
  /** Of a `succeeded` attempt whose text is only a draft; absent: it is none. */
  readonly draft?: DraftReason;
  /** Absent: live. */
  readonly delivery?: "batch";
}
