import type { LimitReport, ProviderId, TokenUsage } from "./provider.ts";

/**
 * What went wrong, as a fact. What is done about it is policy and stands in `generation/recovery.ts`, where a kind
 * without a row does not compile.
 *
 * - `rate-limited`: asked to slow down; `retryAfterMs` says for how long, when the vendor did.
 * - `request-too-large`: this one request is larger than the whole limit: waiting can never help.
 * - `overloaded`: 408, 409, 5xx: the vendor's trouble, not ours.
 * - `network`: the request never reached the vendor (refused, DNS, connect time-out).
 * - `disconnected`: the connection broke after sending; the vendor may have billed the call.
 * - `timeout`: the total deadline passed after sending; the vendor may have billed the call.
 * - `certificate`: TLS verification failed; it is never switched off.
 * - `refused-address`: the endpoint's name leads into our own network, and the operator has not said that it may.
 * - `invalid-response`: an answer that is no completion (empty, HTML, broken JSON, too big, a redirect).
 * - `truncated-empty`: finish reason `length` and no text: reasoning used up the cap. Billed.
 * - `quota-exhausted`: out of money or credit: not "slow down".
 * - `authentication`: the key is missing, wrong or not allowed.
 * - `model-not-found`: unknown or retired model.
 * - `unsupported-parameter`: `parameter` names the one that the model does not take.
 * - `invalid-request`: our fault; it would fail everywhere.
 * - `context-too-long`: the prompt does not fit this model.
 * - `content-filtered`: refused for its content, by filter or by the model.
 * - `aborted`: our own signal (cancel, shutdown) stopped it.
 */
export type ProviderErrorKind =
  | "rate-limited"
  | "request-too-large"
  | "overloaded"
  | "network"
  | "disconnected"
  | "timeout"
  | "certificate"
  | "refused-address"
  | "invalid-response"
  | "truncated-empty"
  | "quota-exhausted"
  | "authentication"
  | "model-not-found"
  | "unsupported-parameter"
  | "invalid-request"
  | "context-too-long"
  | "content-filtered"
  | "aborted";

/** Whether the vendor saw the request: it decides whether a failed attempt may have been billed. */
export type Sent = "yes" | "no" | "unknown";

export interface ProviderErrorFacts {
  readonly kind: ProviderErrorKind;
  readonly provider: ProviderId;
  readonly sent: Sent;
  /** HTTP status, when there was an answer. */
  readonly status?: number | null;
  /** The vendor's own error code or type. */
  readonly code?: string | null;
  /** How long the vendor asks us to wait; `null`: it did not say. */
  readonly retryAfterMs?: number | null;
  /** For `unsupported-parameter`: its wire name. */
  readonly parameter?: string | null;
  /** Tokens that were billed although no text came of it. */
  readonly usage?: TokenUsage | null;
  readonly reportedCostMicroUsd?: number | null;
  readonly requestId?: string | null;
  /** What the answer said about the vendor's limits. Default: nothing. */
  readonly limits?: readonly LimitReport[];
  /** An answer had begun: it may be billed, whatever came of it. Default false. */
  readonly hasBegun?: boolean;
  readonly cause?: unknown;
}

/** The longest message kept; vendors quote whole prompts in theirs. */
const MAX_MESSAGE_CHARACTERS = 300;

/** The only error that a `Provider` throws. Carries facts, no policy. Its message never holds a key or a prompt. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly kind: ProviderErrorKind;
  readonly provider: ProviderId;
  readonly sent: Sent;
  readonly status: number | null;
  readonly code: string | null;
  readonly retryAfterMs: number | null;
  readonly parameter: string | null;
  readonly usage: TokenUsage | null;
  readonly reportedCostMicroUsd: number | null;
  readonly requestId: string | null;
  readonly limits: readonly LimitReport[];
  readonly hasBegun: boolean;

  constructor(message: string, facts: ProviderErrorFacts) {
    super(message.slice(0, MAX_MESSAGE_CHARACTERS), { cause: facts.cause });
    this.kind = facts.kind;
    this.provider = facts.provider;
    this.sent = facts.sent;
    this.status = facts.status ?? null;
    this.code = facts.code ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.parameter = facts.parameter ?? null;
    this.usage = facts.usage ?? null;
    this.reportedCostMicroUsd = facts.reportedCostMicroUsd ?? null;
    this.requestId = facts.requestId ?? null;
    this.limits = facts.limits ?? [];
    this.hasBegun = facts.hasBegun ?? false;
  }
}
