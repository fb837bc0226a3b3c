import { InvalidInputError, type Problem } from "../platform/problem.ts";
import type { Schedule } from "../schedules/schedule.ts";
import type { Agent } from "./agent.ts";
import type { CompileOptions } from "./compile-agent.ts";
import { duplicateId, type LoadedAgents } from "./load-agents.ts";
import { parseAgentObject, type ParsedAgent } from "./parse-agent.ts";

/**
 * Agents that are objects already; the same rules as for a folder of files. Messages call them `agents[0]` and so on.
 * @throws InvalidInputError with the problems of all of them together
 */
export function parseAgentObjects(
  values: readonly unknown[],
  options: CompileOptions,
): Pick<LoadedAgents, "agents" | "schedules"> {
  const problems: Problem[] = [];
  const agents = new Map<string, Agent>();
  const schedules = new Map<string, Schedule>();
  const sources = new Map<string, string>();
  for (const [index, value] of values.entries()) {
    const source = `agents[${index}]`;
    const parsed = attempt(() => parseAgentObject(source, value, options), problems);
    if (parsed === undefined) continue;
    const { agent, schedule } = parsed;
    const earlier = sources.get(agent.id);
    if (earlier !== undefined) problems.push(duplicateId(agent.id, source, earlier));
    else sources.set(agent.id, source);
    agents.set(agent.id, agent);
    if (schedule !== null) schedules.set(agent.id, schedule);
    if (schedule?.topicsFile != null) problems.push(noFolder(source));
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return { agents, schedules };
}

function attempt(parse: () => ParsedAgent, problems: Problem[]): ParsedAgent | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function noFolder(source: string): Problem {
  const expected = "topics: an object lies in no folder that a file could be in";
  return { source, path: "schedule.topics_file", got: "the name of a file", expected };
}
