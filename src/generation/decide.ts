import type { RequestKind, UsageRecord } from "../job/usage-record.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import { backoff, jitterOf, type BackoffPolicy } from "./backoff.ts";
import { RECOVERY } from "./recovery.ts";

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
  | { readonly can: "not"; readonly why: string };

/**
 * The only place that decides about retries, waits, fail-over and giving up. A pure function: the same history gives
 * the same step in any process, jitter included.
 */
export function decide(input: DecideInput): Step {
  const { history, policy } = input;
  if (history.some((row) => endsJob(row, policy))) return giveUp(failuresOf(input));
  const step = nextStep(input);
  if (step.do === "give-up" || history.length < policy.maxCalls) return step;
  return giveUp([`${policy.maxCalls} calls were made for this job, the most allowed`, ...failuresOf(input)]);
}

function nextStep(input: DecideInput): Step {
  const reasons: string[] = [];
  const waits: number[] = [];
  const tokensNeeded = tokensNeededBy(input);
  for (const [member, candidate] of input.chain.entries()) {
    const verdict = judge(member, input);
    if (verdict.can !== "not" && (candidate.contextTokens ?? 0) < tokensNeeded) {
      reasons.push(`${label(candidate)}: its context is not larger`);
      continue;
    }
    if (verdict.can === "be-called") return { do: "call", member, request: verdict.request, omit: verdict.omit };
    if (verdict.can === "be-retried") return { do: "retry", afterMs: verdict.afterMs };
    reasons.push(`${label(candidate)}: ${verdict.why}`);
    if (verdict.can === "not") continue;
    if (verdict.beforeFailOver && fits(verdict.untilAt, input)) return { do: "wait", untilAt: verdict.untilAt };
    waits.push(verdict.untilAt);
  }
  return atChainEnd(input, waits, reasons.join("; "));
}

/** Some answers end the job whoever gave them: the same request would be refused elsewhere, or must not go there. */
function endsJob(row: UsageRecord, policy: DecidePolicy): boolean {
  if (!isError(row)) return false;
  const { sameProvider, failOver } = RECOVERY[row.outcome];
  if (sameProvider !== "never") return false;
  return failOver === "no" || (failOver === "if-asked" && !policy.failOverOnContentFilter);
}

/** More than the largest context that the prompt did not fit; 0 when it was never too long. */
function tokensNeededBy({ history, chain }: DecideInput): number {
  return history
    .filter(({ outcome }) => outcome === "context-too-long")
    .reduce((needed, { member }) => Math.max(needed, (chain[member]?.contextTokens ?? Infinity) + 1), 0);
}

/** How each provider that was called failed last. */
function failuresOf({ chain, history }: DecideInput): string[] {
  return chain.flatMap((candidate, member) => {
    const last = history.findLast((row) => row.member === member);
    return last === undefined ? [] : [`${label(candidate)}: ${whyOf(last)}`];
  });
}

function giveUp(reasons: readonly string[]): Step {
  return { do: "give-up", status: "failed", reason: reasons.join("; ") };
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

function label(candidate: Candidate): string {
  return `${candidate.provider}/${candidate.model}`;
}

function judge(member: number, input: DecideInput): Verdict {
  const rows = input.history.filter((row) => row.member === member);
  const own = judgeHistory(rows, input);
  const unavailable = input.unavailable.get(member);
  if (unavailable === undefined || own.can === "not" || unavailable.untilAt <= input.now) return own;
  if (unavailable.why === "not-configured") return { can: "not", why: "not configured on this worker" };
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
      return failed(last);
    case "resume":
      return callAgain(rows);
    case "retry":
      return retryVerdict(rows, last, input);
    case "retry-once":
      return rows.filter(isRetriedOnce).length > 1 ? failed(last, 2) : retryVerdict(rows, last, input);
    case "wait":
      if (last.retryAfterMs === null) return retryVerdict(rows, last, input);
      return mustLeaveCalls(rows, last, input) ? failed(last, rows.length) : waitVerdict(rows, last, input);
    case "omit-parameter":
      return omitVerdict(rows, last);
    case "recover":
      return last.request === "recover" ? failed(last) : { ...callAgain(rows), request: "recover" };
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

function failed(last: UsageRecord, spent = 1): Verdict {
  return { can: "not", why: whyOf(last, spent) };
}

function whyOf({ outcome, message }: UsageRecord, spent = 1): string {
  const attempts = spent > 1 ? ` after ${spent} attempts` : "";
  return `${outcome}${attempts}${message === null ? "" : ` (${message})`}`;
}

function retryVerdict(rows: readonly UsageRecord[], last: FailedRow, input: DecideInput): Verdict {
  const { attempts, backoff: policy } = input.policy;
  const spent = rows.filter(spendsAttempt).length;
  if (spent >= attempts) return failed(last, spent);
  const delayMs = Math.max(backoff(spent, jitterOf(last.attemptId), policy), last.retryAfterMs ?? 0);
  if (delayMs > policy.capMs && !fits(endOf(last) + delayMs, input)) return failed(last, spent);
  const leftMs = endOf(last) + delayMs - input.now;
  if (isOver(leftMs, delayMs, input)) return callAgain(rows);
  return { can: "be-retried", afterMs: Math.min(leftMs, Math.max(policy.capMs, delayMs)) };
}

function waitVerdict(rows: readonly UsageRecord[], last: UsageRecord, input: DecideInput): Verdict {
  const waitMs = last.retryAfterMs ?? 0;
  const untilAt = endOf(last) + waitMs;
  // Calling too early does no harm: ADMIT keeps the same wait as a pause, by Redis' own clock.
  if (isOver(untilAt - input.now, waitMs, input)) return callAgain(rows);
  return {
    can: "be-awaited",
    untilAt,
    beforeFailOver: true,
    why: `rate-limited until ${new Date(untilAt).toISOString()}`,
  };
}

/** Waits are free, their calls are not: enough of those must be left for every provider that comes after this one. */
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

function omitVerdict(rows: readonly UsageRecord[], last: UsageRecord): Verdict {
  const refused = rows.filter((row) => row.outcome === "unsupported-parameter").map((row) => row.parameter);
  const isNew = last.parameter !== null && refused.filter((parameter) => parameter === last.parameter).length === 1;
  return isNew ? callAgain(rows) : failed(last);
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
