import type { Agent, ChainMember } from "../agents/agent.ts";

const FAKE = { provider: "fake", model: "fake-1" } as const;

/** The agent with the fake provider in the place of those in `missing`; its chain names it once. */
export function replaceProviders(agent: Agent, missing: ReadonlyMap<string, unknown>): Agent {
  const replace = (member: ChainMember): ChainMember =>
    missing.has(member.provider) ? { ...member, ...FAKE, options: {} } : member;
  const [primary, ...fallBacks] = agent.chain;
  const first = replace(primary);
  const chain = [first];
  for (const member of fallBacks.map(replace)) {
    if (!chain.some(({ provider, model }) => provider === member.provider && model === member.model))
      chain.push(member);
  }
  return { ...agent, chain: [first, ...chain.slice(1)] };
}
