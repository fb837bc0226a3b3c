import type { Draft } from "../job/draft.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { LimitReport } from "../providers/provider.ts";

/**
 * The two gates around every provider call. ADMIT answers whether the call may be made, and when, notes the intent and
 * reserves requests, tokens and budget; SETTLE records what came of it. Each is one atomic step over the job's claim,
 * ledger and result, the usage rows, the counters, and the limits and health of the limit group.
 */
export interface Admission {
  admit(request: AdmitRequest): Promise<AdmitReply>;
  /**
   * Waits for the slot of a grant, a second at most.
   * - `due`: call now.
   * - `withdrawn`: what was granted does not hold any more (the limit group was pushed forward or paused, this process
   *   stood still for seconds, or `signal` aborted); intent and reservations are gone, and it must be asked for again.
   */
  awaitSlot(grant: Grant, signal: AbortSignal): Promise<"due" | "withdrawn">;
  /** Takes a grant back that was not used: as `withdrawn` above. */
  withdraw(grant: Grant): Promise<void>;
  /**
   * How many workers were found dead since then (epoch ms, a day back at most) that had calls under way, but none of a job
   * that had crashed a worker before.
   */
  otherDeathsSince(at: number): Promise<number>;
  /** Idempotent: settling the same attempt twice writes one row, and the first terminal record stays. */
  settle(settlement: Settlement): Promise<SettleReply>;
}

/** One way to make a call: a key of the provider's pool, and the limits that it shares. */
export interface CallTarget {
  /** What limits and health are kept by, e.g. `openai/gpt-6-luna#1a2b3c4d`. */
  readonly limitGroup: string;
  /** The key, whatever it is used for, e.g. `openai#1a2b3c4d`: what is refused or out of money. */
  readonly credential: string;
}

export interface ReservedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface TokenEstimate extends ReservedTokens {
  /** Nothing like it was seen by this worker: what the limit group's calls use on average is a better one. */
  readonly isGuess: boolean;
  /** Of the prompt, UTF-8. */
  readonly inputBytes: number;
}

export interface AdmitRequest {
  /** The attempt as its row would read if the worker died now: outcome `crashed`, cost = the largest possible. */
  readonly intent: UsageRecord;
  /** Never empty; with several the one that can be called first is taken, of those the one with most room. */
  readonly targets: readonly CallTarget[];
  /** What the call will probably use. */
  readonly tokens: TokenEstimate;
  /** The largest possible output: what some vendors count against the limit. */
  readonly capTokens: number;
  /** The job's deadline is over: no call is granted any more. */
  readonly isOverdue: boolean;
  /** The lane that the job was taken from: it may be paused. */
  readonly lane: string;
  /** The call's total deadline: how long a probe of an open breaker is waited for. */
  readonly timeoutMs: number;
  /** How many attempts the caller knows of. ADMIT is sent optimistically with 0; if that is wrong it tells the history. */
  readonly knownAttempts: number;
  /** How often the queue has seen this job fail (BullMQ's `attemptsMade`): tells a deliberate retry from a redelivery. */
  readonly deliveries: number;
}

/** A call that may be made. */
export interface Grant {
  readonly answer: "granted";
  readonly intent: UsageRecord;
  /** Position in `AdmitRequest.targets`. */
  readonly target: number;
  readonly limitGroup: string;
  readonly credential: string;
  readonly reserved: ReservedTokens;
  readonly inputBytes: number;
  /** Proves to Redis whose grant it is. */
  readonly token: string;
  /** When it was asked for, of the process' monotonic clock, ms. */
  readonly askedMs: number;
  /** The slot is this far ahead, 1,000 at most. */
  readonly slotInMs: number;
  /** Of the limit group; it has changed when the grant does not hold any more. */
  readonly epoch: number;
  /** What the limit group had granted in all, this call included: tells what was granted since. For SETTLE. */
  readonly granted: string;
  /** Budgets that have passed their warning share with this call, each told once a day. */
  readonly budgetWarnings: readonly BudgetState[];
}

/** Amounts in micro-USD. */
export interface BudgetState {
  /** `global`, `provider openai` or `agent ada`. */
  readonly name: string;
  /** Spent and reserved. */
  readonly usedMicroUsd: number;
  readonly limitMicroUsd: number;
  /** It does not pay for another call. */
  readonly isUsedUp: boolean;
}

/**
 * Why a call cannot be made now. Beside the kinds of errors that pause a limit group or a key:
 * - `limit`: our own pace: the next slot is more than a second ahead.
 * - `first-answer`: nothing is known about the limits; one call is under way to find out.
 * - `circuit-open`: too many calls have failed lately.
 * - `paused`: an operator's `pause` of provider, lane or everything. Nobody knows until when.
 * - `budget-reserved`: calls under way have reserved the rest of a budget; some of it may come back.
 */
export type UnavailableReason =
  ProviderErrorKind | "limit" | "first-answer" | "circuit-open" | "paused" | "budget-reserved";

export type AdmitReply =
  | Grant
  | { readonly answer: "settled"; readonly record: GenerationResult }
  | { readonly answer: "cancelled" }
  /** The caller knows everything, and said that the job is overdue. */
  | { readonly answer: "overdue" }
  /**
   * The caller's knowledge is out of date: rows of this generation, oldest first. Open ones read as `crashed`. `draft`: what
   * they have led to so far.
   */
  | {
      readonly answer: "history";
      readonly knownAttempts: number;
      readonly rows: readonly UsageRecord[];
      readonly draft?: Draft;
    }
  /** Later. `forMs`: `Infinity` for `paused`. `waitedMs`: what it has waited because it was told so. */
  | {
      readonly answer: "unavailable";
      readonly forMs: number;
      readonly why: UnavailableReason;
      readonly waitedMs: number;
      /** What is paused or used up, in a word. */
      readonly detail: string;
    }
  /**
   * Never. `too-large`: the request is larger than a whole limit of this provider. `budget`: it would be paid from a
   * budget that is spent, or whose owner wants no calls of unknown price; no other provider may be asked either.
   */
  | {
      readonly answer: "refused";
      readonly why: "too-large" | "budget";
      readonly detail: string;
      /** The budget, when it is the first call of the day that it refuses. */
      readonly usedUp?: BudgetState;
    };

/** What a call says about the limit group that it went to. */
export interface CallReport {
  readonly grant: Grant;
  readonly limits: readonly LimitReport[];
  /** For the circuit breaker; `neutral`: it says nothing about the provider's health. */
  readonly health: "good" | "bad" | "neutral";
}

export interface Pause {
  /** `credential`: the key, for every model. */
  readonly scope: "limit-group" | "credential";
  readonly name: string;
  readonly forMs: number;
  readonly why: ProviderErrorKind;
}

export interface Settlement {
  readonly jobId: string;
  readonly agentId: string;
  /** The attempt's final row; `null` when the job ends without a call (cancelled, expired, invalid). */
  readonly row: UsageRecord | null;
  /** `null` without a call. */
  readonly report: CallReport | null;
  /** The job's terminal record, when this settlement ends it. */
  readonly terminal: GenerationResult | null;
  /** What the job has to show so far; kept until its terminal record. Absent: as before. */
  readonly draft?: Draft;
  /** Nobody calls there before `forMs` have passed; a shorter pause never shortens a longer one. */
  readonly pause: Pause | null;
  /** As in `AdmitRequest`. */
  readonly deliveries: number;
}

export interface SettleReply {
  /** The terminal record that counts: the given one, or one that was there first; `null` while the job goes on. */
  readonly record: GenerationResult | null;
  /** With this call too many have failed: the limit group is left alone for a while. */
  readonly hasOpenedBreaker: boolean;
}
