import type { LaneBacklog } from "../queue/lane-backlog.ts";
import type { BudgetHealth } from "../storage/budget-report.ts";
import type { GroupHealth, HealthReport } from "../storage/health-report.ts";
import type { AlertKind, AlertRules, Finding } from "./alert.ts";

/** What is looked at. All of it is in Redis, so that every process sees the same. */
export interface AlertFacts {
  readonly health: HealthReport;
  readonly backlogs: readonly LaneBacklog[];
  /** Workers that live. */
  readonly workers: number;
  /** Calls of the last hour, and those of them that were cut off by the death of their worker. */
  readonly lastHour: { readonly attempts: number; readonly orphans: number };
}

/** Everything that wants a person, in order of the kinds. Pure. @param now epoch ms */
export function findAlerts(facts: AlertFacts, rules: AlertRules, now: number): Finding[] {
  const findings = [
    ...facts.health.pausedKeys.flatMap(({ name, why }) => pauseFinding(name, why)),
    ...facts.health.groups.flatMap(groupFindings),
    ...facts.health.budgets.flatMap((budget) => budgetFindings(budget, rules)),
    ...(facts.workers === 0 ? noWorkerFindings(facts.backlogs) : facts.backlogs.flatMap(stuckFindings(rules, now))),
    ...orphanFindings(facts, rules),
  ];
  return findings.filter(({ kind }) => !rules.ignored.includes(kind));
}

type PauseKind = Extract<
  AlertKind,
  "quota-exhausted" | "key-refused" | "model-not-found" | "certificate" | "refused-address"
>;

/** By the kind of error for which something is left alone: those of the recovery table that pause. */
export const PAUSE_KINDS: Readonly<Record<string, PauseKind>> = {
  "quota-exhausted": "quota-exhausted",
  authentication: "key-refused",
  "model-not-found": "model-not-found",
  certificate: "certificate",
  "refused-address": "refused-address",
};

const PAUSE_MESSAGES: Readonly<Record<PauseKind, (name: string) => string>> = {
  "quota-exhausted": (name) =>
    `the vendor says that the account of key ${name} is out of money or quota: top up there; workers go on by themselves`,
  "key-refused": (name) => `the vendor refuses key ${name}: replace it and restart the workers`,
  "model-not-found": (name) => `the vendor does not know the model of ${name}: correct its name in the agents`,
  certificate: (name) =>
    `the certificate shown for ${name} is not valid: look at the endpoint, and what stands between`,
  "refused-address": (name) =>
    `the endpoint of ${name} has an address that is not public: correct it, or name its host in trustedEndpointHosts`,
};

function pauseFinding(subject: string, why: string | null): Finding[] {
  const kind = PAUSE_KINDS[why ?? ""];
  if (kind === undefined) return [];
  const message = PAUSE_MESSAGES[kind](subject);
  return [{ kind, subject, severity: "critical", message, details: {}, sinceAt: null }];
}

/** The pause of a key shows in all of its groups, and is told of the key. */
const OF_KEYS = new Set(["quota-exhausted", "authentication"]);

function groupFindings({ name, state, why, calls, successShare }: GroupHealth): Finding[] {
  if (state === "paused" && !OF_KEYS.has(why ?? "")) return pauseFinding(name, why);
  if (state !== "circuit-open") return [];
  const message = `too many calls of ${name} fail: nobody calls it for a while; \`health\` shows the last error, see the vendor's status page`;
  const details = { callsLastHour: calls, ...(successShare === null ? {} : { succeededShare: successShare }) };
  return [{ kind: "breaker-open", subject: name, severity: "warning", message, details, sinceAt: null }];
}

/** Only what is spent counts for the warning: what is held for calls comes and goes. */
function budgetFindings(budget: BudgetHealth, { warnShare }: AlertRules): Finding[] {
  const { name: subject, spentMicroUsd, limitMicroUsd, isUsedUp } = budget;
  // A budget of nothing is how somebody is kept from calling.
  if (limitMicroUsd === 0) return [];
  const details = { spentUsd: spentMicroUsd / 1e6, limitUsd: limitMicroUsd / 1e6 };
  if (isUsedUp) {
    const message = `the budget of today (UTC) is used up: ${subject}; its jobs fail until midnight UTC: raise it and restart the workers, or leave it`;
    return [{ kind: "budget-reached", subject, severity: "critical", message, details, sinceAt: null }];
  }
  if (spentMicroUsd < limitMicroUsd * warnShare) return [];
  const message = `${Math.floor((spentMicroUsd / limitMicroUsd) * 100)} % of the budget of today (UTC) is spent: ${subject}; when it is used up its jobs fail: raise it, or expect that`;
  return [{ kind: "budget-warning", subject, severity: "warning", message, details, sinceAt: null }];
}

function noWorkerFindings(backlogs: readonly LaneBacklog[]): Finding[] {
  const waiting = backlogs.filter(({ isPaused }) => !isPaused);
  if (waiting.length === 0) return [];
  const jobs = waiting.reduce((sum, { ready }) => sum + ready, 0);
  const message = `${jobsWait(jobs)} and no worker lives: start one with \`puppet-engine worker\`, and look why the last ended`;
  return [{ kind: "no-worker", subject: "workers", severity: "critical", message, details: { jobs }, sinceAt: null }];
}

/**
 * Jobs that could be taken are not. A lane that waits for a limit, a pause of its providers or a budget is not stuck: a
 * worker takes one of its jobs every 10 s to see whether it may go on. So it does not matter how long a job of a large run
 * waits for its turn, only how long no worker has taken or ended any.
 */
function stuckFindings({ laneStuckMs }: AlertRules, now: number): (backlog: LaneBacklog) => Finding[] {
  return ({ title, ready, oldestAt, movedAt, isPaused }) => {
    const sinceAt = Math.max(oldestAt, movedAt ?? 0);
    if (isPaused || now - sinceAt < laneStuckMs) return [];
    const minutes = Math.floor((now - sinceAt) / 60_000);
    const message = `${jobsWait(ready)} in lane ${title}, and no worker has taken one for ${minutes} min: do workers log \`lane not served\` (a missing key, \`worker.lanes\`), or do their calls hang?`;
    const details = { jobs: ready, stillMinutes: minutes };
    return [{ kind: "lane-stuck", subject: title, severity: "critical", message, details, sinceAt }];
  };
}

function jobsWait(count: number): string {
  return count === 1 ? "1 job waits" : `${count} jobs wait`;
}

function orphanFindings({ lastHour }: AlertFacts, { orphanShare, orphanMinCount }: AlertRules): Finding[] {
  const { attempts, orphans } = lastHour;
  if (orphans < orphanMinCount || orphans < attempts * orphanShare) return [];
  const message = `workers died during ${orphans} of ${attempts} calls of the last hour; each may be paid twice: look at their exit codes and memory`;
  const details = { attempts, orphans };
  return [{ kind: "orphan-rate", subject: "workers", severity: "warning", message, details, sinceAt: null }];
}
