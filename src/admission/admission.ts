import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";

/**
 * The two gates around every provider call. ADMIT answers whether the call may be made and notes the intent; SETTLE
 * records what came of it. Each is one atomic step over the job's claim, ledger and result, the usage rows, the
 * counters and the state of the limit group.
 */
export interface Admission {
  admit(request: AdmitRequest): Promise<AdmitReply>;
  /** Idempotent: settling the same attempt twice writes one row, and the first terminal record stays. */
  settle(settlement: Settlement): Promise<SettleReply>;
}

export interface AdmitRequest {
  /** The attempt as its row would read if the worker died now: outcome `crashed`, cost = the largest possible. */
  readonly intent: UsageRecord;
  /** What limits and pauses are keyed by: provider + model + key. */
  readonly limitGroup: string;
  /** How many attempts the caller knows of. ADMIT is sent optimistically with 0; if that is wrong it tells the history. */
  readonly knownAttempts: number;
  /** How often the queue has seen this job fail (BullMQ's `attemptsMade`): tells a deliberate retry from a redelivery. */
  readonly deliveries: number;
}

export type AdmitReply =
  | { readonly answer: "granted" }
  | { readonly answer: "settled"; readonly record: GenerationResult }
  | { readonly answer: "cancelled" }
  /** The caller's knowledge is out of date: rows of this generation, oldest first. Open ones read as `crashed`. */
  | { readonly answer: "history"; readonly knownAttempts: number; readonly rows: readonly UsageRecord[] }
  /** The limit group is paused. `waitedMs`: since this job was first told so. */
  | {
      readonly answer: "unavailable";
      readonly forMs: number;
      readonly why: ProviderErrorKind;
      readonly waitedMs: number;
    };

export interface Settlement {
  readonly jobId: string;
  readonly agentId: string;
  /** The attempt's final row; `null` when the job ends without a call (cancelled, expired, invalid). */
  readonly row: UsageRecord | null;
  /** The job's terminal record, when this settlement ends it. */
  readonly terminal: GenerationResult | null;
  /** Nobody calls this limit group before `forMs` have passed; a shorter pause never shortens a longer one. */
  readonly pause: { readonly limitGroup: string; readonly forMs: number; readonly why: ProviderErrorKind } | null;
  /** As in `AdmitRequest`. */
  readonly deliveries: number;
}

export interface SettleReply {
  /** The terminal record that counts: the given one, or one that was there first; `null` while the job goes on. */
  readonly record: GenerationResult | null;
}
