import type { AlertRules } from "../../../src/alerts/alert.ts";
import type { AlertFacts } from "../../../src/alerts/find-alerts.ts";
import type { LaneBacklog } from "../../../src/queue/lane-backlog.ts";
import type { BudgetHealth } from "../../../src/storage/budget-report.ts";
import type { GroupHealth, HealthReport } from "../../../src/storage/health-report.ts";

export const NOW = Date.UTC(2026, 10, 23, 12);
export const MINUTE_MS = 60_000;
export const GROUP = "openai/gpt-6-luna#1a2b3c4d";
export const KEY = "openai#1a2b3c4d";

export const RULES: AlertRules = {
  ...{ ignored: [], warnShare: 0.8, laneStuckMs: 15 * MINUTE_MS, orphanShare: 0.05, orphanMinCount: 10 },
};

export interface GivenFacts extends Partial<HealthReport>, Partial<Omit<AlertFacts, "health">> {}

/** Nothing is wrong, and one worker lives. */
export function factsOf(given: GivenFacts = {}): AlertFacts {
  const { groups = [], pausedKeys = [], budgets = [], ...others } = given;
  const nothing = { backlogs: [], workers: 1, lastHour: { attempts: 0, orphans: 0 } };
  return { ...nothing, ...others, health: { groups, pausedKeys, budgets } };
}

export function groupOf(parts: Partial<GroupHealth> = {}): GroupHealth {
  const limits = { requestsPerMinute: null, isObserved: false, tokensPerMinute: null, inputTokensPerMinute: null };
  return {
    ...{ name: GROUP, provider: "openai", state: "ok", why: null, untilAt: null, lastError: null, callsGranted: 1 },
    ...{
      calls: 20,
      successShare: 0.5,
      p50Ms: 1,
      p95Ms: 1,
      lastSucceededAt: null,
      callsPerMinute: 1,
      requestsPerMinute: null,
    },
    limits: { ...limits, outputTokensPerMinute: null, requestsPerDay: null },
    ...parts,
  };
}

export function pausedKey(why: string, name = KEY): HealthReport["pausedKeys"][number] {
  return { name, provider: "openai", why, untilAt: NOW + MINUTE_MS };
}

export function budgetOf(spentUsd: number, parts: Partial<BudgetHealth> = {}): BudgetHealth {
  return {
    ...{
      name: "global",
      spentMicroUsd: spentUsd * 1e6,
      heldMicroUsd: 0,
      limitMicroUsd: 10e6,
      usedShare: spentUsd / 10,
    },
    isUsedUp: spentUsd >= 10,
    ...parts,
  };
}

/** Jobs wait for an hour, and one ended a moment ago. */
export function backlogOf(parts: Partial<LaneBacklog> = {}): LaneBacklog {
  const title = "openai/gpt-6-luna > grok/grok-4.3";
  return { title, ready: 3, oldestAt: NOW - 60 * MINUTE_MS, movedAt: NOW - 1000, isPaused: false, ...parts };
}
