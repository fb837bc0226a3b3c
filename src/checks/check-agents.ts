import type { Agent } from "../agents/agent.ts";
import type { ConfiguredProviders } from "../config/provider-settings.ts";
import type { Finding } from "./finding.ts";

/** What is in force for each agent, defaults included. */
export function describeAgents(agents: ReadonlyMap<string, Agent>): Finding[] {
  return [...agents.values()].map(({ id, chain, prompt }): Finding => {
    const members = chain.map(({ provider, model, parameters, timeoutMs }) => {
      const { temperature, maxTokens, topP } = parameters;
      return `${provider}/${model} (temperature ${temperature}, top_p ${topP}, max_tokens ${maxTokens}, timeout ${timeoutMs / 1000} s)`;
    });
    const text = `${id}: ${members.join(", then ")}; prompt from ${PROMPT_SOURCE[prompt.from]}`;
    return { level: "ok", area: "agents", text };
  });
}

const PROMPT_SOURCE: Readonly<Record<Agent["prompt"]["from"], string>> = {
  llm_config: "llm_config.system_prompt",
  rotating: "rotating_system_prompts",
  custom: "custom_system_prompt",
  personality: "the personality",
};

/**
 * Keys that agents need and this environment does not have. A fall-back without its key counts as well.
 * @param agents empty: they could not be read
 */
export function checkKeys(
  agents: ReadonlyMap<string, Agent>,
  { missingKeys, keyPlaces }: ConfiguredProviders,
): Finding[] {
  const found = [...keyPlaces].map(([provider, places]): Finding => {
    const named = places.map(({ keyId, source }) => `${provider}#${keyId} (${source})`).join("; ");
    const text =
      places.length === 1 ? `${provider}: a key is set` : `${provider}: ${places.length} keys are set: ${named}`;
    return { level: "ok", area: "keys", text };
  });
  const missing = [...missingKeys].map(([provider, variables]): Finding => {
    const users = [...agents.values()].filter(({ chain }) => chain.some((member) => member.provider === provider));
    const text = `${provider}: no key`;
    if (agents.size === 0) {
      const doubt = `${text}; whether an agent needs one is not known, because none could be read`;
      return { level: "warning", area: "keys", text: doubt, fix: "correct the agents, then check again" };
    }
    if (users.length === 0) return { level: "ok", area: "keys", text: `${text}, and no agent needs one` };
    const fix = `set ${variables.join(" or ")} (or ${variables[0]}_FILE); ${users.map(({ id }) => id).join(", ")} need it`;
    return { level: "error", area: "keys", text, fix };
  });
  return [...found, ...missing];
}
