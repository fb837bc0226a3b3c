import type { RequestKind, UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import { backoff, jitterOf, type BackoffPolicy } from "./backoff.ts";
import { RECOVERY, type Recovery } from "./recovery.ts";

/** One provider + model of the chain, as far as deciding needs it. */
export interface Candidate {
  readonly provider: string;
  readonly model: string;
  /** How many tokens fit its context; `null`: not known. */
  readonly contextTokens: number | null;
}

/** Why a candidate cannot be called now. `not-configured`: this worker has no key for it. */
export interface Unavailable {
  readonly untilAt: number;
  readonly why: ProviderErrorKind | "not-configured";
}

export interface DecidePolicy {
  /** Attempts per provider that failures may spend; default 3. */
  readonly attempts: number;
  /** Calls per job over everything; default 12. */
  readonly maxCalls: number;
  readonly backoff: BackoffPolicy;
  /** Whether another provider is asked when one refuses for content; default false. */
  readonly failOverOnContentFilter: boolean;
}

export interface DecideInput {
  /** All attempts of this generation, oldest first. */
  readonly history: readonly UsageRecord[];
  readonly chain: readonly Candidate[];
  /** By position in the chain. */
  readonly unavailable: ReadonlyMap<number, Unavailable>;
  /** How long the job may still wait for a provider without spending attempts. */
  readonly waitLeftMs: number;
  readonly policy: DecidePolicy;
  /** Epoch ms. */
  readonly now: number;
}

export type Step =
  /** Call `chain[member]`. `omit`: wire names of parameters that it refused. */
  | { readonly do: "call"; readonly member: number; readonly request: RequestKind; readonly omit: readonly string[] }
  /** A queue retry: a failure was spent, the back-off runs. */
  | { readonly do: "retry"; readonly afterMs: number }
  /** A free wait: the vendor or a pause says when. */
  | { readonly do: "wait"; readonly untilAt: number }
  | { readonly do: "give-up"; readonly status: "failed" | "expired"; readonly reason: string };

/** What one candidate's own history and health say about it. */
type Verdict =
  | { readonly can: "be-called"; readonly request: RequestKind; readonly omit: readonly string[] }
  | { readonly can: "be-retried"; readonly afterMs: number }
  | { readonly can: "be-awaited"; readonly untilAt: number; readonly beforeFailOver: boolean; readonly why: string }
  | { readonly can: "not"; readonly why: string; readonly failOver: Recovery["failOver"] };

/**
 * The only place that decides about retries, waits, fail-over and giving up. A pure function: the same history gives
 * the same step in any process, jitter included.
 */
export function decide(input: DecideInput): Step {
  if (input.history.length >= input.policy.maxCalls) {
    return {
      do: "give-up",
      status: "failed",
      reason: `${input.policy.maxCalls} calls were made for this job, the most allowed`,
    };
  }
  const reasons: string[] = [];
  const waits: number[] = [];
  let contextNeeded = 0;
  for (const [member, candidate] of input.chain.entries()) {
    if (contextNeeded > 0 && (candidate.contextTokens ?? 0) <= contextNeeded) {
      reasons.push(`${label(candidate)}: its context is not larger`);
      continue;
    }
    const verdict = judge(member, input);
    if (verdict.can === "be-called") return { do: "call", member, request: verdict.request, omit: verdict.omit };
    if (verdict.can === "be-retried") return { do: "retry", afterMs: verdict.afterMs };
    reasons.push(`${label(candidate)}: ${verdict.why}`);
    if (verdict.can === "be-awaited") {
      if (verdict.beforeFailOver && fits(verdict.untilAt, input)) return { do: "wait", untilAt: verdict.untilAt };
      waits.push(verdict.untilAt);
      continue;
    }
    if (!mayFailOver(verdict.failOver, input.policy))
      return { do: "give-up", status: "failed", reason: reasons.join("; ") };
    if (verdict.failOver === "larger-context")
      contextNeeded = Math.max(contextNeeded, candidate.contextTokens ?? Infinity);
  }
  return atChainEnd(input, waits, reasons.join("; "));
}

/** Nobody can be called now: wait for the first that comes back, if the job may wait that long. */
function atChainEnd(input: DecideInput, waits: readonly number[], reason: string): Step {
  const untilAt = Math.min(...waits);
  if (waits.length > 0 && fits(untilAt, input)) return { do: "wait", untilAt };
  const nothingFailed = waits.length === input.chain.length && input.history.every((row) => isFree(row));
  return { do: "give-up", status: nothingFailed ? "expired" : "failed", reason };
}

function fits(untilAt: number, input: DecideInput): boolean {
  return untilAt - input.now <= input.waitLeftMs;
}

function mayFailOver(failOver: Recovery["failOver"], policy: DecidePolicy): boolean {
  return failOver === "if-asked" ? policy.failOverOnContentFilter : failOver !== "no";
}

function label(candidate: Candidate): string {
  return `${candidate.provider}/${candidate.model}`;
}

function judge(member: number, input: DecideInput): Verdict {
  const rows = input.history.filter((row) => row.member === member);
  const own = judgeHistory(rows, input);
  const unavailable = input.unavailable.get(member);
  if (unavailable === undefined || own.can === "not" || unavailable.untilAt <= input.now) return own;
  if (unavailable.why === "not-configured")
    return { can: "not", why: "not configured on this worker", failOver: "yes" };
  const until = new Date(unavailable.untilAt).toISOString();
  return {
    can: "be-awaited",
    untilAt: unavailable.untilAt,
    beforeFailOver: unavailable.why === "rate-limited",
    why: `paused until ${until} (${unavailable.why})`,
  };
}

function judgeHistory(rows: readonly UsageRecord[], input: DecideInput): Verdict {
  const last = rows.findLast((row) => row.outcome !== "crashed" && row.outcome !== "aborted");
  if (last === undefined || !isError(last)) return callAgain(rows);
  const rule = RECOVERY[last.outcome];
  switch (rule.sameProvider) {
    case "never":
      return failed(last, rule);
    case "resume":
      return callAgain(rows);
    case "retry":
      return retryVerdict(rows, last, input);
    case "retry-once":
      return rows.filter(isRetriedOnce).length > 1 ? failed(last, rule, 2) : retryVerdict(rows, last, input);
    case "wait":
      return last.retryAfterMs === null ? retryVerdict(rows, last, input) : waitVerdict(rows, last, input.now);
    case "omit-parameter":
      return omitVerdict(rows, last, rule);
    case "recover":
      return rows.some((row) => row.request === "recover")
        ? failed(last, rule)
        : { ...callAgain(rows), request: "recover" };
  }
}

function isRetriedOnce(row: UsageRecord): boolean {
  return isError(row) && RECOVERY[row.outcome].sameProvider === "retry-once";
}

type FailedRow = UsageRecord & { readonly outcome: ProviderErrorKind };

function isError(row: UsageRecord): row is FailedRow {
  return row.outcome !== "succeeded" && row.outcome !== "crashed";
}

/** Attempts that spend nothing: our own side ended them, or the vendor told us how long to wait. */
function isFree(row: UsageRecord): boolean {
  return (
    row.outcome === "crashed" ||
    row.outcome === "aborted" ||
    (row.outcome === "rate-limited" && row.retryAfterMs !== null)
  );
}

function spendsAttempt(row: UsageRecord): boolean {
  if (!isError(row) || isFree(row)) return false;
  const { sameProvider } = RECOVERY[row.outcome];
  return sameProvider === "retry" || sameProvider === "retry-once" || sameProvider === "wait";
}

function failed(last: UsageRecord, rule: Recovery, spent = 1): Verdict {
  const attempts = spent > 1 ? ` after ${spent} attempts` : "";
  const message = last.message === null ? "" : ` (${last.message})`;
  return { can: "not", why: `${last.outcome}${attempts}${message}`, failOver: rule.failOver };
}

function retryVerdict(rows: readonly UsageRecord[], last: FailedRow, input: DecideInput): Verdict {
  const spent = rows.filter(spendsAttempt).length;
  if (spent >= input.policy.attempts) return failed(last, RECOVERY[last.outcome], spent);
  const delayMs = backoff(spent, jitterOf(last.attemptId), input.policy.backoff);
  const afterMs = endOf(last) + delayMs - input.now;
  // A clock that was set back must not stretch a wait beyond what the back-off gave.
  return afterMs > 0 ? { can: "be-retried", afterMs: Math.min(afterMs, delayMs) } : callAgain(rows);
}

function waitVerdict(rows: readonly UsageRecord[], last: UsageRecord, now: number): Verdict {
  const untilAt = endOf(last) + (last.retryAfterMs ?? 0);
  if (untilAt <= now) return callAgain(rows);
  return {
    can: "be-awaited",
    untilAt,
    beforeFailOver: true,
    why: `rate-limited until ${new Date(untilAt).toISOString()}`,
  };
}

function omitVerdict(rows: readonly UsageRecord[], last: UsageRecord, rule: Recovery): Verdict {
  const refused = rows.filter((row) => row.outcome === "unsupported-parameter").map((row) => row.parameter);
  const isNew = last.parameter !== null && refused.filter((parameter) => parameter === last.parameter).length === 1;
  return isNew ? callAgain(rows) : failed(last, rule);
}

/** The next call keeps what the earlier ones taught: parameters to leave out, the larger cap. */
function callAgain(rows: readonly UsageRecord[]): Verdict & { can: "be-called" } {
  const omit = rows.flatMap((row) =>
    row.outcome === "unsupported-parameter" && row.parameter !== null ? [row.parameter] : [],
  );
  const request = rows.some((row) => row.request === "recover") ? "recover" : "generate";
  return { can: "be-called", request, omit };
}

function endOf(row: UsageRecord): number {
  return row.startedAt + row.durationMs;
}
