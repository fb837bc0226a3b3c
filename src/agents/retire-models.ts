import { retirementOf, whenRetired, type Retirement } from "../models/retirement.ts";
import type { ProviderId } from "../providers/provider.ts";
import type { Agent, ChainMember } from "./agent.ts";
import type { CompileOptions } from "./compile-agent.ts";

/** An agent names a model that is retired, or soon. */
export interface RetiredUse {
  readonly agentId: string;
  readonly provider: ProviderId;
  /** As the file, or the default, names it. */
  readonly model: string;
  /** Position in the chain of the file, 0 = primary. */
  readonly member: number;
  readonly retirement: Retirement;
  /** The model that is called in its place; `null`: it is called all the same. */
  readonly calledInstead: string | null;
}

export interface RetiredAgent {
  readonly agent: Agent;
  readonly uses: readonly RetiredUse[];
  /** Fall-backs that the substitution made superfluous, one line each, for people. */
  readonly notes: readonly string[];
}

/**
 * Finds the models of an agent that are retired, or soon, and replaces them where the policy is to substitute. What is
 * to be refused has been before: `model-rules.ts`.
 */
export function retireModels(agent: Agent, options: CompileOptions): RetiredAgent {
  const uses: RetiredUse[] = [];
  const notes: string[] = [];
  const chain: ChainMember[] = [];
  for (const [member, { provider, model, ...settings }] of agent.chain.entries()) {
    const retirement = retirementOf(options.catalogue, { provider, model }, options.now);
    const calledInstead = retirement === null ? null : substituteFor(retirement, options);
    if (retirement !== null) uses.push({ agentId: agent.id, provider, model, member, retirement, calledInstead });
    const called = { provider, model: calledInstead ?? model };
    if (chain.some((earlier) => earlier.provider === provider && earlier.model === called.model))
      notes.push(
        `${agent.id} names ${provider}/${called.model} once more after substitution: that fall-back is left out`,
      );
    else chain.push({ ...called, ...settings });
  }
  const [first = agent.chain[0], ...fallBacks] = chain;
  return { agent: { ...agent, chain: [first, ...fallBacks] }, uses, notes };
}

function substituteFor({ when, replacement }: Retirement, { retiredModels }: CompileOptions): string | null {
  return retiredModels === "substitute" && when === "over" ? replacement : null;
}

/** `ada calls openai/gpt-4, which is retired since 2026-10-23; use gpt-6.1-sol` */
export function describeRetiredUse({ agentId, provider, model, retirement, calledInstead }: RetiredUse): string {
  const name = `${provider}/${model}`;
  if (calledInstead !== null)
    return `${agentId} calls ${calledInstead} in place of ${name}, which ${whenRetired(retirement)}`;
  const { replacement } = retirement;
  const remedy = replacement === null ? "no replacement is known" : `use ${replacement}`;
  return `${agentId} calls ${name}, which ${whenRetired(retirement)}; ${remedy}`;
}
