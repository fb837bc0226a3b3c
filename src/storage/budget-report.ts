import type { BudgetRules } from "../admission/limit-policy.ts";
import { microUsdOfPico, picoUsdOf } from "../job/usage-counters.ts";

/** How far a budget of today is used up. Amounts in micro-USD. */
export interface BudgetHealth {
  /** `global`, `provider openai` or `agent ada`. */
  readonly name: string;
  readonly spentMicroUsd: number;
  /** Reserved for calls under way. */
  readonly heldMicroUsd: number;
  readonly limitMicroUsd: number;
  /** Spent and held, as a share of the limit. */
  readonly usedShare: number;
  /** Calls are refused because of it: it is spent, or a call was refused because the rest is too little. */
  readonly isUsedUp: boolean;
}

/**
 * The global budget, those of providers, and those of agents that have spent something or were refused a call, the most
 * used first.
 * @param fields of the day's spending, as budgets.lua writes them: name → pico-USD
 */
export function readBudgets(fields: Readonly<Record<string, string>>, rules: BudgetRules): BudgetHealth[] {
  const limitOf = (agentId: string): number | null => rules.agentsMicroUsd.get(agentId) ?? rules.agentMicroUsd;
  const shared: readonly [string, number | null][] = [
    ["global", rules.globalMicroUsd],
    ...[...rules.providersMicroUsd].map(([id, limit]): [string, number] => [`provider|${id}`, limit]),
  ];
  const ofAgents = agentsIn(fields)
    .flatMap((agentId) => budgetOf(`agent|${agentId}`, limitOf(agentId), fields))
    .filter(({ spentMicroUsd, heldMicroUsd, isUsedUp }) => spentMicroUsd > 0 || heldMicroUsd > 0 || isUsedUp)
    .sort((a, b) => b.usedShare - a.usedShare);
  return [...shared.flatMap(([name, limit]) => budgetOf(name, limit, fields)), ...ofAgents];
}

function agentsIn(fields: Readonly<Record<string, string>>): string[] {
  const ids = Object.keys(fields).flatMap((field) => /^(?:held\||refused\|)?agent\|(.+)$/.exec(field)?.[1] ?? []);
  return [...new Set(ids)].sort();
}

function budgetOf(
  field: string,
  limitMicroUsd: number | null,
  fields: Readonly<Record<string, string>>,
): BudgetHealth[] {
  if (limitMicroUsd === null) return [];
  const spentMicroUsd = microUsdOfPico(BigInt(fields[field] ?? 0));
  const heldMicroUsd = microUsdOfPico(BigInt(fields[`held|${field}`] ?? 0));
  const used = spentMicroUsd + heldMicroUsd;
  // A budget of nothing is used up.
  const usedShare = limitMicroUsd === 0 ? 1 : used / limitMicroUsd;
  const isTooLittle = Number(fields[`refused|${field}`] ?? -1) >= picoUsdOf(limitMicroUsd);
  const isUsedUp = spentMicroUsd >= limitMicroUsd || isTooLittle;
  return [{ name: field.replace("|", " "), spentMicroUsd, heldMicroUsd, limitMicroUsd, usedShare, isUsedUp }];
}
