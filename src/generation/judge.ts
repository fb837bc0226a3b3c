import type { UnavailableReason } from "../admission/admission.ts";
import type { RequestKind, UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import { backoff, jitterOf } from "./backoff.ts";
import type { DecideInput, Unavailable } from "./decide.ts";
import { phaseOf, purposeOf } from "./phase.ts";
import { RECOVERY } from "./recovery.ts";

/** What one candidate's own history and health say about it. */
export type Verdict =
  | { readonly can: "be-called"; readonly request: RequestKind; readonly omit: readonly string[] }
  | { readonly can: "be-retried"; readonly afterMs: number; readonly why: string }
  | { readonly can: "be-awaited"; readonly untilAt: number; readonly failOver: FailOver; readonly why: string }
  /** An operator has paused it, nobody knows until when. */
  | { readonly can: "be-held"; readonly why: string }
  | { readonly can: "not"; readonly why: string };

/** When those that come after it are asked instead of waiting. */
type FailOver = "at-once" | "when-too-long" | "never";

/** Short waits, which are over before a fall-back would be worth it. */
const WAITED_FOR: ReadonlySet<UnavailableReason> = new Set(["rate-limited", "limit", "first-answer"]);

/** Reasons that are nobody's pause. */
const NO_PAUSE: ReadonlySet<UnavailableReason> = new Set(["limit", "first-answer", "budget-reserved"]);

export function judge(member: number, input: DecideInput): Verdict {
  const rows = phaseOf(input.history).filter((row) => row.member === member);
  const own = judgeHistory(rows, member, input);
  const unavailable = input.unavailable.get(member);
  if (own.can === "not" || unavailable === undefined) return own;
  return judgeUnavailable(unavailable, input.now) ?? own;
}

/** `null`: that is over. */
function judgeUnavailable({ untilAt, why, detail }: Unavailable, now: number): Verdict | null {
  switch (why) {
    case "not-configured":
      return { can: "not", why: "not configured on this worker" };
    case "too-large":
      return { can: "not", why: detail ?? "the request is larger than its limits" };
    case "budget":
      return { can: "not", why: detail ?? BUDGET_SPENT };
    case "paused":
      return { can: "be-held", why: detail ?? "paused by an operator" };
    default:
      return untilAt <= now ? null : awaited(untilAt, why, detail);
  }
}

/** When ADMIT does not say which. */
export const BUDGET_SPENT = "its budget is spent";

function awaited(untilAt: number, why: UnavailableReason, detail: string | undefined): Verdict {
  const failOver = why === "budget-reserved" ? "never" : WAITED_FOR.has(why) ? "when-too-long" : "at-once";
  const until = `${NO_PAUSE.has(why) ? "not before" : "paused until"} ${isoOf(untilAt)}`;
  return { can: "be-awaited", untilAt, failOver, why: `${until} (${detail ?? why})` };
}

function judgeHistory(rows: readonly UsageRecord[], member: number, input: DecideInput): Verdict {
  const last = rows.findLast((row) => row.outcome !== "crashed" && row.outcome !== "aborted");
  if (last === undefined || !isError(last)) return callAgain(member, input);
  const rule = RECOVERY[last.outcome];
  switch (rule.sameProvider) {
    case "never":
      return hasOtherKey(rows, last, input) ? callAgain(member, input) : failed(last);
    case "resume":
      return callAgain(member, input);
    case "retry":
      return retryVerdict(rows, last, input);
    case "retry-once":
      return rows.filter(isRetriedOnce).length > 1 ? failed(last, 2) : retryVerdict(rows, last, input);
    case "wait":
      return limitedVerdict(rows, last, input);
    case "omit-parameter":
      return omitVerdict(rows, last, input);
    case "recover":
      return last.request === "recover" ? failed(last) : { ...callAgain(member, input), request: "recover" };
  }
}

function isRetriedOnce(row: UsageRecord): boolean {
  return isError(row) && RECOVERY[row.outcome].sameProvider === "retry-once";
}

type FailedRow = UsageRecord & { readonly outcome: ProviderErrorKind };

export function isError(row: UsageRecord): row is FailedRow {
  return row.outcome !== "succeeded" && row.outcome !== "crashed";
}

/** Attempts that spend nothing: our own side ended them, or the vendor told us how long to wait. */
export function isFree(row: UsageRecord): boolean {
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

/** How many attempts a member has spent. One of several limits spends none before each of them has been met. */
export function spentAttempts(rows: readonly UsageRecord[], limitGroups: number): number {
  const limited = rows.filter(isLimitedWithoutTime).length;
  return rows.filter(spendsAttempt).length - limited + Math.floor(limited / limitGroups);
}

function isLimitedWithoutTime(row: UsageRecord): boolean {
  return row.outcome === "rate-limited" && row.retryAfterMs === null;
}

function keysOf({ member }: UsageRecord, { chain }: DecideInput): number {
  return chain[member]?.keys ?? 1;
}

function limitGroupsOf({ member }: UsageRecord, { chain }: DecideInput): number {
  return chain[member]?.limitGroups ?? 1;
}

function failed(last: UsageRecord, spent = 1): Verdict {
  return { can: "not", why: whyOf(last, spent) };
}

export function whyOf({ outcome, message }: UsageRecord, spent = 1): string {
  const attempts = spent > 1 ? ` after ${spent} attempts` : "";
  return `${outcome}${attempts}${message === null ? "" : ` (${message})`}`;
}

function retryVerdict(rows: readonly UsageRecord[], last: FailedRow, input: DecideInput): Verdict {
  const { attempts, backoff: policy } = input.policy;
  const spent = spentAttempts(rows, limitGroupsOf(last, input));
  if (spent >= attempts) return failed(last, spent);
  const delayMs = Math.max(backoff(spent, jitterOf(last.attemptId), policy), last.retryAfterMs ?? 0);
  if (delayMs > policy.capMs && endOf(last) + delayMs - input.now > input.waitLeftMs) return failed(last, spent);
  const leftMs = endOf(last) + delayMs - input.now;
  if (isOver(leftMs, delayMs, input)) return callAgain(last.member, input);
  const afterMs = Math.min(leftMs, Math.max(policy.capMs, delayMs));
  return { can: "be-retried", afterMs, why: `${whyOf(last)}, to be retried at ${isoOf(input.now + afterMs)}` };
}

/** With several limits ADMIT picks a key under another one, or says how long none can be used. */
function limitedVerdict(rows: readonly UsageRecord[], last: FailedRow, input: DecideInput): Verdict {
  const groups = limitGroupsOf(last, input);
  const everyGroupMetIt = rows.filter(isLimitedWithoutTime).length % groups === 0;
  if (last.retryAfterMs === null && everyGroupMetIt) return retryVerdict(rows, last, input);
  if (mustLeaveCalls(rows, last, input)) return failed(last, rows.length);
  return groups > 1 ? callAgain(last.member, input) : waitVerdict(rows, last, input);
}

function waitVerdict(rows: readonly UsageRecord[], last: UsageRecord, input: DecideInput): Verdict {
  const waitMs = last.retryAfterMs ?? 0;
  const untilAt = endOf(last) + waitMs;
  // Calling too early does no harm: ADMIT keeps the same wait as a pause, by Redis' own clock.
  if (isOver(untilAt - input.now, waitMs, input)) return callAgain(last.member, input);
  return { can: "be-awaited", untilAt, failOver: "when-too-long", why: `rate-limited until ${isoOf(untilAt)}` };
}

/** What is wrong with one key, such as an empty account, need not be wrong with the others of the pool. */
function hasOtherKey(rows: readonly UsageRecord[], last: FailedRow, input: DecideInput): boolean {
  if (RECOVERY[last.outcome].pauses !== "credential" || mustLeaveCalls(rows, last, input)) return false;
  const refused = rows.filter((row) => isError(row) && RECOVERY[row.outcome].pauses === "credential");
  // A row that does not say which key it used counts as one of its own.
  return new Set(refused.map((row) => row.keyId ?? row.attemptId)).size < keysOf(last, input);
}

/**
 * Waits are free, and other keys are worth a try, but their calls are not: enough of those must be left for every
 * provider that comes after this one.
 */
function mustLeaveCalls(
  rows: readonly UsageRecord[],
  { member }: UsageRecord,
  { chain, policy }: DecideInput,
): boolean {
  const later = chain.length - 1 - member;
  return later > 0 && rows.length >= Math.max(1, policy.maxCalls - later * policy.attempts);
}

/**
 * More left than there ever was: the clock was set back, or is behind the one of the worker that made the attempt, and
 * how long ago that was cannot be told. Waiting once more each time would never end. Small differences are waited out.
 */
function isOver(leftMs: number, wholeMs: number, { policy }: DecideInput): boolean {
  return leftMs <= 0 || leftMs > wholeMs + policy.backoff.capMs;
}

/** A vendor that names another parameter each time must not use up the calls of those that come after it. */
function omitVerdict(rows: readonly UsageRecord[], last: UsageRecord, input: DecideInput): Verdict {
  const refused = rows.filter((row) => row.outcome === "unsupported-parameter").map((row) => row.parameter);
  const isNew = last.parameter !== null && refused.filter((parameter) => parameter === last.parameter).length === 1;
  return isNew && !mustLeaveCalls(rows, last, input) ? callAgain(last.member, input) : failed(last);
}

/** The next call keeps what the earlier ones taught: parameters to leave out, the larger cap. */
function callAgain(member: number, { history }: DecideInput): Verdict & { can: "be-called" } {
  const rows = history.filter((row) => row.member === member);
  const omit = rows.flatMap((row) =>
    row.outcome === "unsupported-parameter" && row.parameter !== null ? [row.parameter] : [],
  );
  const request = rows.some((row) => row.request === "recover") ? "recover" : purposeOf(history);
  return { can: "be-called", request, omit };
}

function endOf(row: UsageRecord): number {
  return row.startedAt + row.durationMs;
}

export function isoOf(at: number): string {
  return new Date(at).toISOString();
}
