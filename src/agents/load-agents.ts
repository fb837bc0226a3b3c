import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import type { Agent } from "./agent.ts";
import type { CompileOptions } from "./compile-agent.ts";
import { oneOf } from "../platform/one-of.ts";
import { decodeUtf8 } from "../platform/utf8.ts";
import { readTopics } from "../schedules/read-topics.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { parseAgent, type NotedUse, type ParsedAgent } from "./parse-agent.ts";

export interface LoadedAgents {
  /** By agent id, in the order of the file names. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** Of those agents that post by themselves. */
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly notes: string[];
  /** Every use of a model that is retired, or soon. */
  readonly retired: readonly NotedUse[];
}

/**
 * Loads every `*.json` file of a folder, not of its sub-folders; hidden files are skipped.
 * @throws InvalidInputError with the problems of all files together
 */
export async function loadAgents(directory: string, options: CompileOptions): Promise<LoadedAgents> {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const retired: NotedUse[] = [];
  const agents = new Map<string, Agent>();
  const schedules = new Map<string, Schedule>();
  const sources = new Map<string, string>();
  for (const source of await listAgentFiles(directory)) {
    const parsed = await readAgentFile(source, options).catch((error: unknown) => {
      if (!(error instanceof InvalidInputError)) throw error;
      problems.push(...error.problems);
    });
    if (parsed === undefined) continue;
    const { id } = parsed.agent;
    const earlier = sources.get(id);
    if (earlier !== undefined) problems.push(duplicateId(id, source, earlier));
    else sources.set(id, source);
    agents.set(id, parsed.agent);
    if (parsed.schedule !== null) schedules.set(id, parsed.schedule);
    notes.push(...parsed.notes);
    retired.push(...parsed.retired);
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return { agents, schedules, notes, retired };
}

/** For an error about an agent that is not known: what was expected instead. */
export function expectedAgent(id: string, knownIds: Iterable<string>): string {
  return `the id of an agent: ${oneOf(id, knownIds)}`;
}

async function listAgentFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    const expected = 'a folder with one *.json file for each agent, such as {"id": "ada", "name": "Ada"}';
    throw new InvalidInputError([{ source: directory, path: "", got: describeFileError(error), expected }]);
  });
  const files = names.filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
  if (files.length === 0) {
    const expected = 'at least one, e.g. ada.json with {"id": "ada", "name": "Ada"}';
    throw new InvalidInputError([{ source: directory, path: "", got: "no *.json file in this folder", expected }]);
  }
  return files.map((name) => join(directory, name));
}

async function readAgentFile(source: string, options: CompileOptions): Promise<ParsedAgent> {
  const bytes = await readFile(source).catch((error: unknown) => {
    throw new InvalidInputError([
      { source, path: "", got: describeFileError(error), expected: "a file that can be read" },
    ]);
  });
  const parsed = parseAgent(source, decodeUtf8(source, bytes), options);
  return { ...parsed, schedule: await withTopics(parsed.schedule, source) };
}

async function withTopics(schedule: Schedule | null, source: string): Promise<Schedule | null> {
  if (schedule?.topicsFile == null) return schedule;
  return { ...schedule, topics: await readTopics(join(dirname(source), schedule.topicsFile), schedule.agentId) };
}

function describeFileError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "nothing: it does not exist";
  if (code === "ENOTDIR") return "a file";
  if (code === "EISDIR") return "a folder";
  if (code === "EACCES" || code === "EPERM") return "no permission to read it";
  return `an error: ${String(code ?? error)}`;
}

export function duplicateId(id: string, source: string, earlier: string): Problem {
  return { source, path: "id", got: `${showValue(id)}, which ${earlier} has too`, expected: "an id of its own" };
}
