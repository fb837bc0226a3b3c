import type { Agent, ChainMember } from "../agents/agent.ts";
import type { AdmitReply, Admission } from "../admission/admission.ts";
import type { GenerationJob, Urgency } from "../job/generation-job.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { ChatMessage, Provider } from "../providers/provider.ts";
import type { Clock } from "../platform/clock.ts";
import { callProvider, intentOf, type CallOutcome } from "./attempt.ts";
import { decide, type Candidate, type DecidePolicy, type Step, type Unavailable } from "./decide.ts";
import { RECOVERY } from "./recovery.ts";
import { succeededResult, unsuccessfulResult } from "./results.ts";
import type { Prices } from "../models/prices.ts";

export interface GenerationPolicy extends Omit<DecidePolicy, "failOverAfter"> {
  /** Longest sum of waits that spend no attempt, by urgency; defaults 60 s, 15 min, 24 h. */
  readonly maxWaitMs: Readonly<Record<Urgency, number>>;
  /** How long a provider is left alone that cannot work before somebody acts (quota, key, model); default 5 min. */
  readonly pauseMs: number;
}

/** A provider as this worker has it configured. */
export interface ConfiguredProvider {
  readonly provider: Provider;
  /** Limits and pauses are keyed by this: provider + model + key. */
  limitGroup(model: string): string;
}

export interface GenerationDependencies {
  readonly admission: Admission;
  readonly provider: (id: string) => ConfiguredProvider | undefined;
  readonly prices: Prices;
  readonly policy: GenerationPolicy;
  readonly clock: Clock;
  readonly buildMessages: (agent: Agent, job: GenerationJob) => readonly ChatMessage[];
  /** Told of every attempt when it is recorded, and of every step: for logs. */
  readonly onAttempt: (row: UsageRecord) => void;
  readonly onStep: (job: GenerationJob, step: Step) => void;
}

/** Why a run is stopped from outside: the reason of its abort signal. */
export type StopReason = "cancelled" | "shutdown";

export interface RunInput {
  readonly job: GenerationJob;
  readonly agent: Agent;
  /** See `AdmitRequest.deliveries`. */
  readonly deliveries: number;
  /** Aborted with a `StopReason`. */
  readonly signal: AbortSignal;
  /** True in the quarantine lane, where jobs run alone. */
  readonly alone: boolean;
}

export type RunOutcome =
  | { readonly outcome: "ended"; readonly record: GenerationResult }
  | { readonly outcome: "retry"; readonly afterMs: number; readonly why: string }
  | { readonly outcome: "wait"; readonly untilAt: number }
  /** An earlier run died in mid-call: this job must run where it can hurt nobody else. */
  | { readonly outcome: "quarantine" }
  /** Stopped by us: the job belongs back into its lane, nothing spent. */
  | { readonly outcome: "give-back" };

/** A job that crashed its worker this often while it ran alone is failed. */
const MAX_CRASHES_ALONE = 3;

/** What one run learns as it goes. */
interface Run extends RunInput {
  readonly deps: GenerationDependencies;
  readonly unavailable: Map<number, Unavailable>;
  history: readonly UsageRecord[];
  knownAttempts: number;
  waitedMs: number;
  messages: readonly ChatMessage[] | undefined;
}

/** Runs one job until it ends, must wait, or is stopped. Throws only when Redis does not answer. */
export async function runGeneration(input: RunInput, deps: GenerationDependencies): Promise<RunOutcome> {
  const run: Run = {
    ...input,
    deps,
    unavailable: unconfigured(input.agent, deps),
    history: [],
    knownAttempts: 0,
    waitedMs: 0,
    messages: undefined,
  };
  for (;;) {
    if (run.signal.aborted) return stopped(run);
    const step = nextStep(run, run.history);
    deps.onStep(run.job, step);
    switch (step.do) {
      case "retry":
        return { outcome: "retry", afterMs: step.afterMs, why: lastMessage(run) };
      case "wait":
        return { outcome: "wait", untilAt: step.untilAt };
      case "hold":
        return { outcome: "give-back" };
      case "give-up":
        return end(run, unsuccessfulResult(run, step.status, step.reason));
      case "call": {
        const outcome = await attempt(run, step);
        if (outcome !== null) return outcome;
      }
    }
  }
}

function unconfigured(agent: Agent, deps: GenerationDependencies): Map<number, Unavailable> {
  const missing = agent.chain.flatMap((candidate, member): [number, Unavailable][] =>
    deps.provider(candidate.provider) === undefined ? [[member, { untilAt: Infinity, why: "not-configured" }]] : [],
  );
  return new Map(missing);
}

function nextStep(run: Run, history: readonly UsageRecord[]): Step {
  const { prices, clock } = run.deps;
  const policy = { ...run.deps.policy, failOverAfter: run.deps.policy.attempts };
  const chain = run.agent.chain.map(({ provider, model }): Candidate => ({
    provider,
    model,
    contextTokens: prices.contextTokens(provider, model),
    keys: 1,
  }));
  const now = clock.now();
  const waitedMs = Math.max(run.waitedMs, history[0] === undefined ? 0 : now - history[0].startedAt);
  const waitLeftMs = policy.maxWaitMs[run.job.urgency] - waitedMs;
  const { deadlineAt } = run.job;
  return decide({ history, chain, unavailable: run.unavailable, waitLeftMs, deadlineAt, policy, now });
}

/** ADMIT, call, SETTLE. `null`: the run goes on. */
async function attempt(run: Run, step: Step & { do: "call" }): Promise<RunOutcome | null> {
  const { deps, job } = run;
  const member = run.agent.chain[step.member] as ChainMember;
  const configured = deps.provider(member.provider) as ConfiguredProvider;
  run.messages ??= deps.buildMessages(run.agent, job);
  const intent = intentOf({ job, member, step, attempt: run.knownAttempts + 1, messages: run.messages }, deps);
  const limitGroup = configured.limitGroup(member.model);
  const { knownAttempts } = run;
  const reply = await deps.admission.admit({ intent, limitGroup, knownAttempts, deliveries: run.deliveries });
  if (reply.answer !== "granted") return learn(run, step.member, reply);
  const call = await callProvider(
    { intent, member, step, messages: run.messages, provider: configured.provider, signal: run.signal },
    deps,
  );
  return record(run, call, limitGroup);
}

/** What ADMIT told instead of granting. */
async function learn(
  run: Run,
  member: number,
  reply: Exclude<AdmitReply, { answer: "granted" }>,
): Promise<RunOutcome | null> {
  switch (reply.answer) {
    case "settled":
      return { outcome: "ended", record: reply.record };
    case "cancelled":
      return end(run, unsuccessfulResult(run, "cancelled", "cancelled before a provider was called"));
    case "unavailable":
      run.unavailable.set(member, { untilAt: run.deps.clock.now() + reply.forMs, why: reply.why });
      run.waitedMs = reply.waitedMs;
      return null;
    case "history": {
      run.history = reply.rows;
      run.knownAttempts = reply.knownAttempts;
      const crashes = reply.rows.filter((row) => row.outcome === "crashed").length;
      if (crashes > 0 && !run.alone) return { outcome: "quarantine" };
      if (crashes <= MAX_CRASHES_ALONE) return null;
      return end(
        run,
        unsuccessfulResult(
          run,
          "failed",
          `its worker died in mid-call ${crashes} times, ${MAX_CRASHES_ALONE} of them while it ran alone`,
        ),
      );
    }
  }
}

/** SETTLE of an attempt; ends the job in the same step when nothing is left to try. */
async function record(run: Run, call: CallOutcome, limitGroup: string): Promise<RunOutcome | null> {
  run.history = [...run.history, call.row];
  run.knownAttempts += 1;
  const terminal = terminalAfter(run, call);
  const { row } = call;
  const settled = await run.deps.admission.settle({
    jobId: run.job.id,
    agentId: run.job.agentId,
    row,
    terminal,
    pause: pauseAfter(row, limitGroup, run.deps.policy),
    deliveries: run.deliveries,
  });
  run.deps.onAttempt(row);
  return settled.record === null ? null : { outcome: "ended", record: settled.record };
}

function terminalAfter(run: Run, call: CallOutcome): GenerationResult | null {
  if (call.response !== null) return succeededResult(run, call.row, call.response);
  if (call.row.outcome === "aborted") {
    return run.signal.reason === "cancelled" ? unsuccessfulResult(run, "cancelled", "cancelled during a call") : null;
  }
  const step = nextStep(run, run.history);
  return step.do === "give-up" ? unsuccessfulResult(run, step.status, step.reason) : null;
}

function pauseAfter(
  row: UsageRecord,
  limitGroup: string,
  policy: GenerationPolicy,
): { limitGroup: string; forMs: number; why: keyof typeof RECOVERY } | null {
  if (row.outcome === "succeeded" || row.outcome === "crashed") return null;
  const why = row.outcome;
  if (RECOVERY[why].pauses !== null) return { limitGroup, forMs: policy.pauseMs, why };
  return row.retryAfterMs === null ? null : { limitGroup, forMs: row.retryAfterMs, why };
}

async function stopped(run: Run): Promise<RunOutcome> {
  if (run.signal.reason !== "cancelled") return { outcome: "give-back" };
  return end(run, unsuccessfulResult(run, "cancelled", "cancelled while waiting"));
}

async function end(run: Run, terminal: GenerationResult): Promise<RunOutcome> {
  const { job, deliveries } = run;
  const settlement = { jobId: job.id, agentId: job.agentId, row: null, terminal, pause: null, deliveries };
  const settled = await run.deps.admission.settle(settlement);
  return { outcome: "ended", record: settled.record ?? terminal };
}

function lastMessage(run: Run): string {
  const last = run.history.at(-1);
  return last === undefined
    ? ""
    : `${last.provider}: ${last.outcome}${last.message === null ? "" : ` (${last.message})`}`;
}
