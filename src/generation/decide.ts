import type { UnavailableReason } from "../admission/admission.ts";
import type { RequestKind, UsageRecord } from "../job/usage-record.ts";
import type { BackoffPolicy } from "./backoff.ts";
import { BUDGET_SPENT, isError, isFree, isoOf, judge, spentAttempts, whyOf, type Verdict } from "./judge.ts";
import { authorOf, phaseOf } from "./phase.ts";
import { RECOVERY } from "./recovery.ts";

/** One provider + model of the chain, as far as deciding needs it. */
export interface Candidate {
  readonly provider: string;
  readonly model: string;
  /** How many tokens fit its context; `null`: not known. */
  readonly contextTokens: number | null;
  /** How many keys its pool has, 1 or more. */
  readonly keys: number;
  /** How many groups those keys have that a vendor limits apart, 1 or more: a limit that all share is met at once. */
  readonly limitGroups: number;
}

/**
 * Why a candidate cannot be called now.
 * - `not-configured`: this worker has no key for it.
 * - `too-large`: never, for this request.
 * - `budget`: the job may not be paid for; it ends, whoever else could be asked.
 */
export interface Unavailable {
  /** `Infinity`: nobody knows; without a meaning for the three above. */
  readonly untilAt: number;
  readonly why: UnavailableReason | "not-configured" | "too-large" | "budget";
  /** More for people. */
  readonly detail?: string;
}

export interface DecidePolicy {
  /** Attempts per provider that failures may spend; default 3. */
  readonly attempts: number;
  /** After so many the providers that come later are tried before the rest of them; from `attempts` on it changes nothing. */
  readonly failOverAfter: number;
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
  /** From then on the text is of no use to anybody: epoch ms, clock of the worker; `null`: never. */
  readonly deadlineAt: number | null;
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
  /** Back into its lane, until an operator resumes what was paused. It costs none of the time that the job may wait. */
  | { readonly do: "hold"; readonly why: string }
  | { readonly do: "give-up"; readonly status: "failed" | "expired"; readonly reason: string };

/** A member of the chain, judged. */
interface Place {
  readonly member: number;
  readonly label: string;
  readonly verdict: Verdict;
  /** It has had its `failOverAfter`: the others go first. */
  readonly isBehind: boolean;
}

/**
 * The only place that decides about retries, waits, fail-over and giving up. A pure function: the same history gives
 * the same step in any process, jitter included.
 */
export function decide(input: DecideInput): Step {
  const { history, policy, deadlineAt, now } = input;
  const failures = failuresOf(input);
  if (phaseOf(history).some((row) => endsJob(row, policy))) return giveUp("failed", failures);
  if (deadlineAt !== null && now >= deadlineAt) {
    return giveUp("expired", [`its deadline ${isoOf(deadlineAt)} is over`, ...failures]);
  }
  const unpaid = [...input.unavailable.values()].find(({ why }) => why === "budget");
  if (unpaid !== undefined) return giveUp("failed", [unpaid.detail ?? BUDGET_SPENT, ...failures]);
  const step = nextStep(input);
  if (step.do === "give-up" || history.length < policy.maxCalls) return step;
  const most = `${policy.maxCalls} calls were made for this job, the most allowed`;
  return giveUp("failed", [most, ...failures, ...neverCalled(input).map((label) => `${label}: not asked any more`)]);
}

/** In the order of the chain, the author of a draft first; those that stand behind are asked when nobody else can be called now. */
function nextStep(input: DecideInput): Step {
  const places = placesOf(input);
  const behind = places.filter(({ isBehind }) => isBehind).toReversed();
  const first = firstStep(
    places.filter(({ isBehind }) => !isBehind),
    input,
  );
  if (first?.do === "call" || first?.do === "give-up") return first;
  const steps = [first, ...behind.map((place) => stepOf(place, input))].filter((step) => step !== null);
  const soonestAt = Math.min(...steps.map((step) => timeOf(step, input)));
  return steps.find((step) => timeOf(step, input) === soonestAt) ?? atChainEnd(places, input);
}

function placesOf(input: DecideInput): Place[] {
  const tokensNeeded = tokensNeededBy(input);
  const { failOverAfter, attempts } = input.policy;
  const author = authorOf(input.history);
  const phase = phaseOf(input.history);
  const places = input.chain.map((candidate, member): Place => {
    const { provider, model, contextTokens, limitGroups } = candidate;
    const own = judge(member, input);
    const isTooSmall = own.can !== "not" && (contextTokens ?? 0) < tokensNeeded;
    const verdict: Verdict = isTooSmall ? { can: "not", why: "its context is not larger" } : own;
    const rows = phase.filter((row) => row.member === member);
    const isBehind = failOverAfter < attempts && spentAttempts(rows, limitGroups) >= failOverAfter;
    return { member, label: `${provider}/${model}`, verdict, isBehind };
  });
  return author === 0 ? places : places.toSorted((a, b) => Number(b.member === author) - Number(a.member === author));
}

function firstStep(places: readonly Place[], input: DecideInput): Step | null {
  for (const place of places) {
    const step = stepOf(place, input);
    if (step !== null) return step;
  }
  return null;
}

/** What is done about one member before the next is asked; `null`: nothing. */
function stepOf({ member, label, verdict }: Place, input: DecideInput): Step | null {
  switch (verdict.can) {
    case "be-called":
      return { do: "call", member, request: verdict.request, omit: verdict.omit };
    case "be-retried":
      return isInTime(input.now + verdict.afterMs, input) ? { do: "retry", afterMs: verdict.afterMs } : null;
    case "be-awaited": {
      const { untilAt, failOver, why } = verdict;
      if (failOver === "at-once") return null;
      if (isInTime(untilAt, input) && isShort(untilAt, input)) return { do: "wait", untilAt };
      if (failOver === "when-too-long") return null;
      const reasons = [`${label}: ${why}`, ...failuresOf(input)];
      return isInTime(untilAt, input) ? giveUp("failed", reasons) : tooLate(reasons, input);
    }
    case "be-held":
    case "not":
      return null;
    default:
      return verdict satisfies never;
  }
}

/** Epoch ms at which the step leads to a call. */
function timeOf(step: Step, { now }: DecideInput): number {
  switch (step.do) {
    case "call":
      return now;
    case "retry":
      return now + step.afterMs;
    case "wait":
      return step.untilAt;
    case "hold":
    case "give-up":
      return Infinity;
    default:
      return step satisfies never;
  }
}

/** Nobody can be called now: wait for the first that comes back, if the job may wait that long. */
function atChainEnd(places: readonly Place[], input: DecideInput): Step {
  const verdicts = places.map(({ verdict }) => verdict);
  const waits = verdicts.filter((verdict) => verdict.can === "be-awaited").map(({ untilAt }) => untilAt);
  const untilAt = Math.min(...waits);
  if (waits.length > 0 && isShort(untilAt, input) && isInTime(untilAt, input)) return { do: "wait", untilAt };
  const reasons = places.flatMap(({ label, verdict }) =>
    verdict.can === "be-called" ? [] : [`${label}: ${verdict.why}`],
  );
  if (verdicts.some(({ can }) => can === "be-held")) return { do: "hold", why: reasons.join("; ") };
  const isCutShort = waits.some((at) => isShort(at, input)) || verdicts.some(({ can }) => can === "be-retried");
  if (isCutShort) return tooLate(reasons, input);
  const nothingFailed = waits.length === places.length && input.history.every((row) => isFree(row));
  return giveUp(nothingFailed ? "expired" : "failed", reasons);
}

function isShort(untilAt: number, { now, waitLeftMs }: DecideInput): boolean {
  return untilAt - now <= waitLeftMs;
}

function isInTime(at: number, { deadlineAt }: DecideInput): boolean {
  return deadlineAt === null || at < deadlineAt;
}

function tooLate(reasons: readonly string[], { deadlineAt }: DecideInput): Step {
  return giveUp("expired", [`its deadline ${isoOf(deadlineAt ?? 0)} comes before the next attempt`, ...reasons]);
}

function giveUp(status: "failed" | "expired", reasons: readonly string[]): Step {
  return { do: "give-up", status, reason: reasons.join("; ") };
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

function neverCalled({ chain, history }: DecideInput): string[] {
  return chain
    .filter((_, member) => history.every((row) => row.member !== member))
    .map(({ provider, model }) => `${provider}/${model}`);
}

/** How each provider that was called failed last. */
function failuresOf({ chain, history }: DecideInput): string[] {
  return chain.flatMap(({ provider, model }, member) => {
    const last = history.findLast((row) => row.member === member);
    return last === undefined ? [] : [`${provider}/${model}: ${whyOf(last)}`];
  });
}
