import type { ChainMember } from "../agents/agent.ts";
import type { AdmitReply, Grant } from "../admission/admission.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { ChatMessage } from "../providers/provider.ts";
import { callProvider, capTokensOf, intentOf, type CallOutcome } from "./attempt.ts";
import { concludeCall, endRun, giveUp } from "./conclude.ts";
import type { Step } from "./decide.ts";
import { inputBytesOf } from "./input-bytes.ts";
import { leaveInCache, takeFromCache } from "./from-cache.ts";
import { newRun } from "./new-run.ts";
import { blockedBy, nextStep } from "./next-step.ts";
import { withKnownOutcome } from "./recovery.ts";
import { unsuccessfulResult } from "./results.ts";
import { limitOf } from "./review.ts";
import type { ConfiguredProvider, ConfiguredTarget, GenerationDependencies, Run, RunInput, RunOutcome } from "./run.ts";

/** A job that crashed its worker this often while it ran alone is failed, */
const MAX_CRASHES_ALONE = 3;
/** unless workers die without any such job, too, so many times as often: then it proves nothing. */
const OTHER_DEATHS_PER_CRASH = 3;

/** Runs one job until it ends, must wait, or is stopped. Throws only when Redis does not answer. */
export async function runGeneration(input: RunInput, deps: GenerationDependencies): Promise<RunOutcome> {
  const run = newRun(input, deps);
  // All lanes meet in quarantine: another worker has the keys.
  if (run.alone && run.unavailable.size === run.agent.chain.length) {
    return { outcome: "hold", why: "this worker has a key for none of its providers" };
  }
  const cached = await takeFromCache(run);
  if (cached !== null) return cached;
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
        return await giveUp(run, step);
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
  const member = memberFor(job, run.agent.chain[step.member] as ChainMember);
  const { provider, model, timeoutMs } = member;
  const targets = (deps.provider(provider) as ConfiguredProvider).targets(model);
  const messages = messagesOf(run);
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
  tellFailOver(run, step.member);
  const calling = { intent: announced, member, step, messages, capTokens, provider: target.provider };
  const make = async (): Promise<CallOutcome> => await callProvider({ ...calling, signal: run.signal }, deps);
  const traced = { intent: announced, lane, parameters: member.parameters, capTokens };
  const call = await (deps.traceCall?.(traced, make) ?? make());
  run.onSlot("over");
  return await concludeCall(run, { call, grant: reply, size });
}

function tellFailOver({ agent, history, deps }: Run, member: number): void {
  const before = history.at(-1)?.member ?? 0;
  const [from, to] = [agent.chain[before], agent.chain[member]];
  if (before !== member && from !== undefined && to !== undefined) deps.onFailOver(from.provider, to.provider);
}

/** What is asked for: the text, or a better one than the draft. */
function messagesOf(run: Run): readonly ChatMessage[] {
  const { deps, agent, job, draft } = run;
  const messages = (run.messages ??= deps.buildMessages(agent, job));
  return draft === null ? messages : deps.reviseMessages(messages, draft, limitOf(run));
}

/** The cap is meant for one post. */
export function memberFor({ input }: GenerationJob, member: ChainMember): ChainMember {
  if (input.kind !== "thread") return member;
  const maxTokens = member.parameters.maxTokens * input.posts;
  return { ...member, parameters: { ...member.parameters, maxTokens } };
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
      await leaveInCache(run, null);
      return { outcome: "ended", record: reply.record };
    case "cancelled":
      return endRun(run, unsuccessfulResult(run, "cancelled", "cancelled before a provider was called"));
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
      run.history = reply.rows.map(withKnownOutcome);
      run.knownAttempts = reply.knownAttempts;
      run.draft = reply.draft ?? null;
      const crashes = reply.rows.filter((row) => row.outcome === "crashed");
      if (crashes.length > 0 && !run.alone) return { outcome: "quarantine" };
      return (await crashesItsWorkers(run, crashes)) ? await giveUp(run, crashed(crashes.length)) : null;
    }
  }
}

async function crashesItsWorkers({ deps }: Run, crashes: readonly UsageRecord[]): Promise<boolean> {
  const [first] = crashes;
  if (first === undefined || crashes.length <= MAX_CRASHES_ALONE) return false;
  const others = await deps.admission.otherDeathsSince(first.startedAt);
  return others <= OTHER_DEATHS_PER_CRASH * crashes.length;
}

function crashed(times: number): Step & { do: "give-up" } {
  const reason = `its worker died in mid-call ${times} times, ${times - 1} of them while it ran alone`;
  return { do: "give-up", status: "failed", reason };
}

async function stopped(run: Run): Promise<RunOutcome> {
  if (run.signal.reason !== "cancelled") return { outcome: "give-back" };
  return endRun(run, unsuccessfulResult(run, "cancelled", "cancelled while waiting"));
}

function lastMessage(run: Run): string {
  const last = run.history.at(-1);
  return last === undefined
    ? ""
    : `${last.provider}: ${last.outcome}${last.message === null ? "" : ` (${last.message})`}`;
}
