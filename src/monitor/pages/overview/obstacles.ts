import type { Health } from "../parts.ts";
import type { Overview } from "./read-overview.ts";

/** What keeps calls of a whole provider from being made, whatever the state of its limit groups. */
export interface Obstacle {
  readonly health: Health;
  readonly words: string;
  /** Epoch ms; `null`: nobody knows. */
  readonly untilAt: number | null;
}

interface Callee {
  /** Of a limit group, e.g. `openai/gpt-6-luna#1a2b3c4d`. */
  readonly name: string;
  readonly provider: string;
}

/**
 * A paused key, a budget that is used up, or an operator. A group that several keys share names none of them: then any
 * key of its provider that is paused is told.
 */
export function whatStandsInTheWay(
  { name, provider }: Callee,
  { pausedKeys, budgets, pauses }: Pick<Overview, "pausedKeys" | "budgets" | "pauses">,
): Obstacle | null {
  const keyId = /#.*$/.exec(name)?.[0];
  const key = pausedKeys.find((paused) =>
    keyId === undefined ? paused.provider === provider : paused.name === `${provider}${keyId}`,
  );
  if (key !== undefined) return { health: "bad", words: `key paused: ${key.why}`, untilAt: key.untilAt };
  const spent = budgets.find(
    (budget) => budget.isUsedUp && (budget.name === "global" || budget.name === `provider ${provider}`),
  );
  if (spent !== undefined) return { health: "bad", words: `budget used up (${spent.name})`, untilAt: null };
  const isHeld = pauses.some((pause) => pause.what === "all" || (pause.what === "provider" && pause.name === provider));
  return isHeld ? { health: "warn", words: "paused by an operator", untilAt: null } : null;
}
