import type { BudgetHealth } from "../../storage/budget-report.ts";
import { readHealth, type GroupHealth, type LimitGroupState, type PausedKey } from "../../storage/health-report.ts";
import { gauge, type Family, type Labels, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

const MICRO_PER_USD = 1e6;

/** For the order in which they are shown, and so that none is missing. */
const STATES: Readonly<Record<LimitGroupState, { readonly isBreakerOpen: boolean }>> = {
  ok: { isBreakerOpen: false },
  "rate-limited": { isBreakerOpen: false },
  paused: { isBreakerOpen: false },
  "circuit-open": { isBreakerOpen: true },
  probing: { isBreakerOpen: true },
  recovering: { isBreakerOpen: false },
};

/** Limits, health and budgets, as `puppet-engine health` shows them. */
export const limitMetrics: MetricGroup = async ({ redis, namespace, budgets: rules, now }) => {
  const { groups, pausedKeys, budgets } = await readHealth(redis, namespace, { now, budgets: rules });
  return [...groupMetrics(groups), pausedMetric(groups, pausedKeys), ...budgetMetrics(budgets)];
};

function groupMetrics(groups: readonly GroupHealth[]): Family[] {
  const ofGroups = (value: (group: GroupHealth) => number | null): Value[] =>
    groups.flatMap((group) => {
      const known = value(group);
      return known === null ? [] : [[labelsOf(group), known]];
    });
  return [
    gauge("puppet_limit_group_state", "1 for the state that a limit group is in.", groups.flatMap(statesOf)),
    gauge(
      "puppet_limit_group_breaker_open",
      "1: too many calls failed, and nobody calls it, or one call tries whether it works again.",
      ofGroups(({ state }) => (STATES[state].isBreakerOpen ? 1 : 0)),
    ),
    gauge(
      "puppet_limit_group_blocked_until_timestamp_seconds",
      "When a limit group may be called again, Unix time; 0: now, or nobody knows.",
      ofGroups(({ untilAt }) => (untilAt ?? 0) / 1000),
    ),
    gauge(
      "puppet_limit_group_success_ratio",
      "Share of the last calls that succeeded, 200 of an hour at most.",
      ofGroups(({ successShare }) => successShare),
    ),
  ];
}

function labelsOf({ name, provider }: GroupHealth): Labels {
  return { group: name, provider };
}

function statesOf(group: GroupHealth): Value[] {
  return Object.keys(STATES).map((state) => [{ ...labelsOf(group), state }, state === group.state ? 1 : 0]);
}

/** A key that is paused is told once, and not for every model as well that is called with it. */
function pausedMetric(groups: readonly GroupHealth[], keys: readonly PausedKey[]): Family {
  const paused = [
    ...keys.map(({ name, provider, why }) => ({ what: "key", name, provider, reason: why })),
    ...groups
      .filter((group) => group.state === "paused" && !keys.some((key) => isCalledWith(key, group)))
      .map(({ name, provider, why }) => ({ what: "limit-group", name, provider, reason: why ?? "" })),
  ];
  return gauge(
    "puppet_paused",
    "1 for each key or limit group that is left alone after an error that somebody has to mend, with its reason.",
    paused.map((labels) => [labels, 1]),
  );
}

/** `openai/gpt-6-luna#1a2b3c4d` is called with the key `openai#1a2b3c4d`. */
function isCalledWith(key: PausedKey, group: GroupHealth): boolean {
  return group.provider === key.provider && group.name.endsWith(key.name.slice(key.provider.length));
}

/** Those of agents are not told: labels name no agent. */
function budgetMetrics(budgets: readonly BudgetHealth[]): Family[] {
  const shared = budgets.filter(({ name }) => !name.startsWith("agent "));
  const amounts = (value: (budget: BudgetHealth) => number): Value[] =>
    shared.map((budget) => [{ budget: budget.name }, value(budget) / MICRO_PER_USD]);
  return [
    gauge(
      "puppet_budget_limit_usd",
      "What may be spent on a day (UTC).",
      amounts(({ limitMicroUsd }) => limitMicroUsd),
    ),
    gauge(
      "puppet_budget_spent_usd",
      "What was spent today.",
      amounts(({ spentMicroUsd }) => spentMicroUsd),
    ),
    gauge(
      "puppet_budget_held_usd",
      "What is reserved for calls under way.",
      amounts(({ heldMicroUsd }) => heldMicroUsd),
    ),
  ];
}
