import type { Agent } from "../agents/agent.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { decide, type Candidate, type Step, type Unavailable } from "./decide.ts";
import type { GenerationDependencies, Run } from "./run.ts";

/** Providers that this worker has no key for. */
export function unconfigured(agent: Agent, deps: GenerationDependencies): Map<number, Unavailable> {
  const missing = agent.chain.flatMap((candidate, member): [number, Unavailable][] =>
    deps.provider(candidate.provider) === undefined ? [[member, { untilAt: Infinity, why: "not-configured" }]] : [],
  );
  return new Map(missing);
}

/** They say something about this one job, its agent or this worker. */
const OWN_REASONS: ReadonlySet<Unavailable["why"]> = new Set([
  "too-large",
  "budget",
  "budget-reserved",
  "not-configured",
]);

/** Pauses of a key: other workers may have another one. */
const KEY_REASONS: ReadonlySet<Unavailable["why"]> = new Set(["authentication", "quota-exhausted"]);

/** See `RunOutcome`. */
export function blockedBy({ unavailable, agent, deps }: Run): "all" | "some" | "no" {
  const now = deps.clock.now();
  const blocked = [...unavailable.values()].filter(({ untilAt, why }) => untilAt > now && !OWN_REASONS.has(why));
  if (blocked.length === 0) return "no";
  if (blocked.some(({ why }) => KEY_REASONS.has(why))) return "some";
  const configured = agent.chain.filter(({ provider }) => deps.provider(provider) !== undefined);
  return blocked.length === configured.length ? "all" : "some";
}

export function nextStep(run: Run, history: readonly UsageRecord[]): Step {
  const { policy, prices, clock } = run.deps;
  const chain = run.agent.chain.map(({ provider, model }): Candidate => {
    const targets = run.deps.provider(provider)?.targets(model) ?? [];
    return {
      provider,
      model,
      contextTokens: prices.contextTokens(provider, model),
      keys: Math.max(1, targets.length),
      limitGroups: Math.max(1, new Set(targets.map(({ limitGroup }) => limitGroup)).size),
    };
  });
  const now = clock.now();
  // What vendors have asked this job to wait; ADMIT tells the rest. Time that it stood in its lane is nobody's wait.
  const askedMs = history.reduce((sum, { retryAfterMs }) => sum + (retryAfterMs ?? 0), 0);
  const waitedMs = Math.max(run.waitedMs, askedMs);
  const waitLeftMs = policy.maxWaitMs[run.job.urgency] - waitedMs;
  const failOverAfter = policy.failOverAfter[run.job.urgency];
  // A job that ends tells its attempts: they are asked for first.
  const deadlineAt = run.knowsHistory ? run.job.deadlineAt : null;
  const { unavailable } = run;
  return decide({ history, chain, unavailable, waitLeftMs, deadlineAt, policy: { ...policy, failOverAfter }, now });
}
