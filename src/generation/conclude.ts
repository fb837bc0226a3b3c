import type { Grant, Pause } from "../admission/admission.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { CallOutcome } from "./attempt.ts";
import type { Step } from "./decide.ts";
import { leaveInCache, staleResult } from "./from-cache.ts";
import { nextStep } from "./next-step.ts";
import { RECOVERY } from "./recovery.ts";
import { heldResult, succeededResult, unsuccessfulResult } from "./results.ts";
import { acceptDraft, review, type Review, type ReviewInput } from "./review.ts";
import type { GenerationPolicy, Run, RunOutcome } from "./run.ts";
import type { EstimateInput } from "./token-estimator.ts";

export interface ConcludedCall {
  readonly call: CallOutcome;
  readonly grant: Grant;
  readonly size: EstimateInput;
}

/**
 * SETTLE of an attempt; ends the job in the same step when nothing is left to try.
 * @returns `null`: the run goes on
 */
export async function concludeCall(run: Run, { call, grant, size }: ConcludedCall): Promise<RunOutcome | null> {
  const judged = call.response === null ? null : await review(reviewInput(run), { ...call, response: call.response });
  const row = judgedRow(call.row, judged);
  run.history = [...run.history, row];
  run.knownAttempts += 1;
  if (judged?.is === "draft") run.draft = judged.draft;
  run.deps.estimator.learn(size, row);
  if (row.parameter !== null) run.deps.refused.learn(row.provider, row.model, row.parameter);
  const settled = await run.deps.admission.settle({
    jobId: run.job.id,
    agentId: run.job.agentId,
    row,
    report: { grant, limits: call.limits, health: healthOf(row) },
    terminal: await terminalAfter(run, row, judged),
    ...(judged?.is === "draft" ? { draft: judged.draft } : {}),
    pause: pauseAfter(row, grant, run.deps.policy),
    deliveries: run.deliveries,
  });
  run.deps.onAttempt(row);
  if (settled.record !== null) await leaveInCache(run, judged);
  if (settled.hasOpenedBreaker) run.deps.onBreaker(grant.limitGroup);
  return settled.record === null ? null : { outcome: "ended", record: settled.record };
}

/** Nothing is left to try: a draft is better than nothing. */
export async function giveUp(run: Run, step: Step & { do: "give-up" }): Promise<RunOutcome> {
  return await endRun(run, await terminalOf(run, step));
}

/** SETTLE without a call. */
export async function endRun(run: Run, terminal: GenerationResult): Promise<RunOutcome> {
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
  await leaveInCache(run, null);
  return { outcome: "ended", record: settled.record ?? terminal };
}

function reviewInput(run: Run): ReviewInput {
  const { job, agent, history, draft, deps } = run;
  const messages = (run.messages ??= deps.buildMessages(agent, job));
  return { job, agent, messages, history, draft, variety: deps.variety, maxCalls: deps.policy.maxCalls };
}

/** What the review has found out is part of the attempt. */
function judgedRow(row: UsageRecord, judged: Review | null): UsageRecord {
  switch (judged?.is) {
    case "draft":
      return { ...row, draft: judged.draft.why };
    case "unusable":
      return { ...row, outcome: judged.outcome, message: judged.message };
    default:
      return row;
  }
}

async function terminalAfter(run: Run, row: UsageRecord, judged: Review | null): Promise<GenerationResult | null> {
  if (judged?.is === "final") return succeededResult(run, judged);
  if (judged?.is === "held") return heldResult(run, judged);
  if (row.outcome === "aborted") {
    return run.signal.reason === "cancelled" ? unsuccessfulResult(run, "cancelled", "cancelled during a call") : null;
  }
  const step = nextStep(run, run.history);
  return step.do === "give-up" ? await terminalOf(run, step) : null;
}

async function terminalOf(run: Run, { status, reason }: Step & { do: "give-up" }): Promise<GenerationResult> {
  if (run.draft === null) return (await staleResult(run)) ?? unsuccessfulResult(run, status, reason);
  return succeededResult(run, await acceptDraft(run.draft, reviewInput(run)));
}

function healthOf({ outcome }: UsageRecord): "good" | "bad" | "neutral" {
  if (outcome === "succeeded") return "good";
  return outcome !== "crashed" && RECOVERY[outcome].countsForBreaker ? "bad" : "neutral";
}

function pauseAfter(row: UsageRecord, grant: Grant, policy: GenerationPolicy): Pause | null {
  if (row.outcome === "succeeded" || row.outcome === "crashed") return null;
  const why = row.outcome;
  const scope = RECOVERY[why].pauses;
  if (scope === "credential") return { scope, name: grant.credential, forMs: policy.pauseMs, why };
  const forMs = scope === null ? row.retryAfterMs : policy.pauseMs;
  return forMs === null ? null : { scope: "limit-group", name: grant.limitGroup, forMs, why };
}
