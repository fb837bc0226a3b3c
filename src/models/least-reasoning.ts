import { isOmitted } from "./is-omitted.ts";
import type { ModelFamily } from "./models-file.ts";

type Reasoning = ModelFamily["reasoning"];

/** Tokens for reasoning that nobody can ask to be short, as with the models whose effort is `fixed`. */
const HEADROOM_UNASKED_TOKENS = 4096;

/** Fields of the request that ask for the least reasoning; `null`: the model does not reason, or may not be asked. */
export function leastReasoning(reasoning: Reasoning): Readonly<Record<string, unknown>> | null {
  if (reasoning === null || reasoning.least === "fixed") return null;
  return reasoning.ask ?? { reasoning_effort: reasoning.least };
}

/** The model could be asked, but has refused it: it reasons as it likes. */
export function isAskRefused(reasoning: Reasoning, omit: readonly string[]): boolean {
  return Object.keys(leastReasoning(reasoning) ?? {}).some((name) => isOmitted(name, omit));
}

/** What the cap gets on top of `max_tokens`. */
export function headroomTokensOf(reasoning: Reasoning, omit: readonly string[]): number {
  const known = reasoning?.headroomTokens ?? 0;
  return isAskRefused(reasoning, omit) ? Math.max(known, HEADROOM_UNASKED_TOKENS) : known;
}
