import type { ChainMember } from "../agents/agent.ts";
import type { AdmitReply, Grant, Pause } from "../admission/admission.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { callProvider, capTokensOf, intentOf, type CallOutcome } from "./attempt.ts";
import type { Step } from "./decide.ts";
import { inputBytesOf } from "./input-bytes.ts";
import { blockedBy, nextStep, unconfigured } from "./next-step.ts";
import { RECOVERY } from "./recovery.ts";
import { succeededResult, unsuccessfulResult } from "./results.ts";
import type {
  ConfiguredProvider,
  ConfiguredTarget,
  GenerationDependencies,
  GenerationPolicy,
  Run,
  RunInput,
  RunOutcome,
} from "./run.ts";
import type { EstimateInput } from "./token-estimator.ts";

/** A job that crashed its worker this often while it ran alone is failed. */
const MAX_CRASHES_ALONE = 3;

/** Runs one job until it ends, must wait, or is stopped. Throws only when Redis does not answer. */
export async function runGeneration(input: RunInput, deps: GenerationDependencies): Promise<RunOutcome> {
  const run: Run = {
    ...input,
    deps,
    unavailable: unconfigured(input.agent, deps),
    history: [],
    knownAttempts: 0,
    knowsHistory: false,
    waitedMs: 0,
    messages: undefined,
  };
  // All lanes meet in quarantine: another worker has the keys.
  if (run.alone && run.unavailable.size === run.agent.chain.length) {
    return { outcome: "hold", why: "this worker has a key for none of its providers" };
  }
  for (;;) {
    if (run.signal.aborted) return stopped(run);
    const step = nextStep(run, run.history);
    deps.onStep(run.job, step);
    switch (step.do) {
      case "retry":
        return { outcome: "retry", afterMs: step.afterMs, why: lastMessage(run) };
      case "wait":
        return { outcome: "wait", untilAt: step.untilAt, blocked: blockedBy(run) };
      case "hold":
        return { outcome: "hold", why: step.why };
      case "give-up":
        return end(run, unsuccessfulResult(run, step.status, step.reason));
      case "call": {
        const outcome = await attempt(run, step);
        if (outcome !== null) return outcome;
      }
    }
  }
}

type CallStep = Step & { do: "call" };

/** ADMIT, wait for the slot, call, SETTLE. `null`: the run goes on. */
async function attempt(run: Run, step: CallStep): Promise<RunOutcome | null> {
  const { deps, job } = run;
  const member = run.agent.chain[step.member] as ChainMember;
  const { provider, model, timeoutMs } = member;
  const targets = (deps.provider(provider) as ConfiguredProvider).targets(model);
  run.messages ??= deps.buildMessages(run.agent, job);
  const { messages } = run;
  const { agentId } = job;
  const capTokens = capTokensOf(member, step, deps);
  const size = { agentId, kind: job.input.kind, provider, model, inputBytes: inputBytesOf(messages), capTokens };
  const { inputBytes } = size;
  const tokens = { ...deps.estimator.estimate(size), inputBytes };
  const intent = intentOf({ job, member, step, attempt: run.knownAttempts + 1, inputBytes, capTokens, tokens }, deps);
  const { knownAttempts, deliveries, lane } = run;
  const isOverdue = job.deadlineAt !== null && deps.clock.now() >= job.deadlineAt;
  const reply = await deps.admission.admit({
    ...{ intent, targets, tokens, capTokens, isOverdue, lane, timeoutMs, knownAttempts, deliveries },
  });
  run.knowsHistory = true;
  if (reply.answer !== "granted") return learn(run, step.member, reply);
  if (!(await slotIsDue(run, reply))) return null;
  const target = targets[reply.target] as ConfiguredTarget;
  const announced = { ...intent, keyId: target.keyId };
  const call = await callProvider(
    { intent: announced, member, step, messages, capTokens, provider: target.provider, signal: run.signal },
    deps,
  );
  run.onSlot("over");
  return record(run, { call, grant: reply, size });
}

/** @returns false when the grant was taken back: the job must be decided upon anew */
async function slotIsDue(run: Run, grant: Grant): Promise<boolean> {
  const { admission, clock, onBudget } = run.deps;
  grant.budgetWarnings.forEach(onBudget);
  run.onSlot({ slotInMs: grant.slotInMs });
  if ((await admission.awaitSlot(grant, run.signal)) === "due") {
    run.onSlot("calling");
    if (run.job.deadlineAt === null || clock.now() < run.job.deadlineAt) return true;
    await admission.withdraw(grant);
  }
  run.onSlot("over");
  return false;
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
    case "overdue":
      return null;
    case "unavailable":
      run.unavailable.set(member, {
        untilAt: run.deps.clock.now() + reply.forMs,
        why: reply.why,
        detail: reply.detail,
      });
      run.waitedMs = reply.waitedMs;
      return null;
    case "refused":
      if (reply.usedUp !== undefined) run.deps.onBudget(reply.usedUp);
      run.unavailable.set(member, { untilAt: Infinity, why: reply.why, detail: reply.detail });
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

interface Called {
  readonly call: CallOutcome;
  readonly grant: Grant;
  readonly size: EstimateInput;
}

/** SETTLE of an attempt; ends the job in the same step when nothing is left to try. */
async function record(run: Run, { call, grant, size }: Called): Promise<RunOutcome | null> {
  const { row, limits } = call;
  run.history = [...run.history, row];
  run.knownAttempts += 1;
  run.deps.estimator.learn(size, row);
  if (row.parameter !== null) run.deps.refused.learn(row.provider, row.model, row.parameter);
  const settled = await run.deps.admission.settle({
    jobId: run.job.id,
    agentId: run.job.agentId,
    row,
    report: { grant, limits, health: healthOf(row) },
    terminal: terminalAfter(run, call),
    pause: pauseAfter(row, grant, run.deps.policy),
    deliveries: run.deliveries,
  });
  run.deps.onAttempt(row);
  if (settled.hasOpenedBreaker) run.deps.onBreaker(grant.limitGroup);
  return settled.record === null ? null : { outcome: "ended", record: settled.record };
}

function healthOf({ outcome }: UsageRecord): "good" | "bad" | "neutral" {
  if (outcome === "succeeded") return "good";
  return outcome !== "crashed" && RECOVERY[outcome].countsForBreaker ? "bad" : "neutral";
}

function terminalAfter(run: Run, call: CallOutcome): GenerationResult | null {
  if (call.response !== null) return succeededResult(run, call.row, call.response);
  if (call.row.outcome === "aborted") {
    return run.signal.reason === "cancelled" ? unsuccessfulResult(run, "cancelled", "cancelled during a call") : null;
  }
  const step = nextStep(run, run.history);
  return step.do === "give-up" ? unsuccessfulResult(run, step.status, step.reason) : null;
}

function pauseAfter(row: UsageRecord, grant: Grant, policy: GenerationPolicy): Pause | null {
  if (row.outcome === "succeeded" || row.outcome === "crashed") return null;
  const why = row.outcome;
  const scope = RECOVERY[why].pauses;
  if (scope === "credential") return { scope, name: grant.credential, forMs: policy.pauseMs, why };
  const forMs = scope === null ? row.retryAfterMs : policy.pauseMs;
  return forMs === null ? null : { scope: "limit-group", name: grant.limitGroup, forMs, why };
}

async function stopped(run: Run): Promise<RunOutcome> {
  if (run.signal.reason !== "cancelled") return { outcome: "give-back" };
  return end(run, unsuccessfulResult(run, "cancelled", "cancelled while waiting"));
}

async function end(run: Run, terminal: GenerationResult): Promise<RunOutcome> {
  const { job, deliveries } = run;
  const settlement = {
    jobId: job.id,
    agentId: job.agentId,
    row: null,
    report: null,
    terminal,
    pause: null,
    deliveries,
  };
  const settled = await run.deps.admission.settle(settlement);
  return { outcome: "ended", record: settled.record ?? terminal };
}

function lastMessage(run: Run): string {
  const last = run.history.at(-1);
  return last === undefined
    ? ""
    : `${last.provider}: ${last.outcome}${last.message === null ? "" : ` (${last.message})`}`;
}
