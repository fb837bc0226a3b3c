import type { Agent, ChainMember } from "../agents/agent.ts";

const FAKE = { provider: "fake", model: "fake-1" } as const;

/** Puts the fake provider in the place of those in `missing`; a chain names it once. */
export function replaceProviders(
  agents: ReadonlyMap<string, Agent>,
  missing: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, Agent> {
  return new Map([...agents].map(([id, agent]) => [id, { ...agent, chain: replaceInChain(agent.chain, missing) }]));
}

function replaceInChain(
  [primary, ...fallBacks]: Agent["chain"],
  missing: ReadonlyMap<string, unknown>,
): Agent["chain"] {
  const replace = (member: ChainMember): ChainMember =>
    missing.has(member.provider) ? { ...member, ...FAKE, options: {} } : member;
  const first = replace(primary);
  const chain = [first];
  for (const member of fallBacks.map(replace)) {
    if (!chain.some(({ provider, model }) => provider === member.provider && model === member.model))
      chain.push(member);
  }
  return [first, ...chain.slice(1)];
}
