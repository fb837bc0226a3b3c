import type { Agent } from "../agents/agent.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";

/**
 * For a process that will call providers itself.
 * @param missing provider → the variables that would give it a key
 * @throws InvalidInputError naming each missing variable and the agents that need it
 */
export function requireKeys(agents: readonly Agent[], missing: ReadonlyMap<string, readonly string[]>): void {
  const problems = [...missing].flatMap(([provider, variables]): Problem[] => {
    const users = agents.filter(({ chain }) => chain.some((member) => member.provider === provider));
    if (users.length === 0) return [];
    const names = [...new Set(users.map(({ id }) => id))].join(", ");
    const expected = `the key of ${provider}, for ${names} (or --fake to replace providers without a key)`;
    return [{ source: "environment", path: variables.join(" or "), got: "nothing", expected }];
  });
  if (problems.length > 0) throw new InvalidInputError(problems);
}
