import type { UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";

/** What is done about one kind of provider error. The source is the table "What each answer means" of the docs. */
export interface Recovery {
  /**
   * What happens on the same provider:
   * - `never`: nothing.
   * - `retry`: again after the back-off, or as long as the vendor asks, up to the policy's `attempts`.
   * - `retry-once`: as `retry`, but one more call at most: this one may have been billed.
   * - `wait`: as long as the vendor says, without spending an attempt; without its word, as `retry`. Given up when the
   *   calls left are needed for the providers that come after.
   * - `omit-parameter`: at once, without the parameter that it named; each parameter once.
   * - `recover`: at once, with a larger cap; once.
   * - `resume`: at once: it was our side that stopped it.
   */
  readonly sameProvider: "never" | "retry" | "retry-once" | "wait" | "omit-parameter" | "recover" | "resume";
  /**
   * Whether the next provider of the chain is tried afterwards. `larger-context`: only one with more room.
   * `if-asked`: only when the policy says so.
   */
  readonly failOver: "yes" | "no" | "larger-context" | "if-asked";
  /**
   * What everybody leaves alone for a while, because it cannot work before somebody acts: this provider + model + key
   * (`limit-group`), or the key for every model (`credential`).
   */
  readonly pauses: "limit-group" | "credential" | null;
  /** Whether it says something about the provider's health, rather than about one request. */
  readonly countsForBreaker: boolean;
}

const never = { sameProvider: "never", failOver: "yes", pauses: null, countsForBreaker: false } as const;
const retry = { sameProvider: "retry", failOver: "yes", pauses: null, countsForBreaker: true } as const;

export const RECOVERY: Readonly<Record<ProviderErrorKind, Recovery>> = {
  "rate-limited": { ...retry, sameProvider: "wait", countsForBreaker: false },
  "request-too-large": never,
  overloaded: retry,
  network: retry,
  disconnected: { ...retry, sameProvider: "retry-once" },
  timeout: { ...retry, sameProvider: "retry-once" },
  certificate: { ...never, pauses: "limit-group" },
  "refused-address": { ...never, pauses: "limit-group" },
  "invalid-response": retry,
  "truncated-empty": { ...never, sameProvider: "recover" },
  "quota-exhausted": { ...never, pauses: "credential" },
  authentication: { ...never, pauses: "credential" },
  "model-not-found": { ...never, pauses: "limit-group" },
  "unsupported-parameter": { ...never, sameProvider: "omit-parameter" },
  "invalid-request": { ...never, failOver: "no" },
  "context-too-long": { ...never, failOver: "larger-context" },
  "content-filtered": { ...never, failOver: "if-asked" },
  aborted: { ...never, sameProvider: "resume", failOver: "no" },
};

/** A newer worker may have written an outcome that this one does not know: it is taken for an answer that is none. */
export function withKnownOutcome(row: UsageRecord): UsageRecord {
  const isKnown = row.outcome === "succeeded" || row.outcome === "crashed" || Object.hasOwn(RECOVERY, row.outcome);
  return isKnown ? row : { ...row, outcome: "invalid-response" };
}
