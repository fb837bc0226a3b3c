import type { Agent, ChainMember } from "../agents/agent.ts";
import { targetName, type Target } from "./targets.ts";

/**
 * The agent with `target` alone in its chain: a fall-back would hide a failure. Parameters and timeout stay those of its
 * primary, so that models are compared under the same settings.
 * @param turn which of its rotating prompts, counted round and round; the variant has that one alone, as the agent's own
 *   turns would differ from model to model
 * Texts about the same are what it is about: they are not compared with each other, or with what was published.
 */
export function variantOf(agent: Agent, target: Target, turn: number): Agent {
  const { chain: _ownChain, prompt, ...rest } = agent;
  return { ...rest, chain: [memberFor(agent, target)], prompt: promptAt(prompt, turn), variety: false };
}

function memberFor({ chain }: Agent, target: Target): ChainMember {
  const [primary] = chain;
  const { logitBias: _otherTokens, ...parameters } = primary.parameters;
  const ownBias = chain.find((member) => targetName(member) === targetName(target))?.parameters.logitBias;
  return {
    provider: target.provider,
    model: target.model,
    parameters: { ...parameters, ...(ownBias === undefined ? {} : { logitBias: ownBias }) },
    timeoutMs: primary.timeoutMs,
    options: chain.find(({ provider }) => provider === target.provider)?.options ?? {},
  };
}

/** Whether the variant goes without the `logit_bias` of the agent: its token ids mean something else to another model. */
export function dropsLogitBias({ chain }: Agent, target: Target): boolean {
  return chain[0].parameters.logitBias !== undefined && !chain.some((it) => targetName(it) === targetName(target));
}

function promptAt(prompt: Agent["prompt"], turn: number): Agent["prompt"] {
  if (prompt.from !== "rotating") return prompt;
  return { from: "custom", text: prompt.texts[turn % prompt.texts.length] ?? prompt.texts[0] };
}
