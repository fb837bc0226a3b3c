import type { Cell, Door, Files, ProgramAttempt, ShownCase, TriedCase } from "../matrix-types.ts";

/* How inputs come in, in few words. What is printed is `given`, where it is not what is sent. */

/** Fields of `agents/ada.json`, whose faults are told with its name and the line. */
export function inAgentFile(fields: string, ...faults: readonly string[]): TriedCase {
  const file = `{"id": "ada", "name": "Ada", ${fields}}`;
  return agentFile(fields, { "agents/ada.json": file }, ...faults.map((fault) => place("agents/ada.json:1", fault)));
}

export function agentFile(given: string, files: Files, ...says: readonly string[]): TriedCase {
  return { given, attempt: program(["enqueue", "tweet", "--agent", "ada"], files), ends: 2, says };
}

/** An agent that a program hands over. */
export function agentObject(given: string, fields: object, ...faults: readonly string[]): TriedCase {
  const agents = [{ id: "ada", name: "Ada", ...fields }];
  const says = faults.map((fault) => place("agents[0]", fault));
  return { given, attempt: { by: "library", agents }, ends: "InvalidInputError", says };
}

/** A job that a program hands over. Example agents write. */
export function job(given: string, value: unknown, ...faults: readonly string[]): TriedCase {
  const says = faults.map((fault) => place("job", fault));
  return { given, attempt: { by: "library", jobs: [value] }, ends: "InvalidInputError", says };
}

/** Words of a command line after `puppet-engine`. A refused option ends with where to read more. */
export function flags(line: string, ...says: readonly string[]): TriedCase {
  return { given: line, attempt: program(line.split(" ")), ends: 2, says };
}

export const USAGE = "(add --help for usage)";

/** A job that is posted: JSON as it is sent, or what becomes JSON. */
export function posted(given: string, body: unknown, ...faults: readonly string[]): TriedCase {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const says = faults.map((fault) => place("job", fault));
  return { given, attempt: { by: "http", line: "POST /api/v1/jobs", body: text }, ends: 400, says };
}

/** `t.csv` or `t.jsonl`, whose rows are at fault. */
export function rows(name: "t.csv" | "t.jsonl", content: string | Buffer, ...says: readonly string[]): TriedCase {
  const given = typeof content === "string" ? content : content.toString("latin1");
  return { given, attempt: bulk(name, content), ends: 3, says };
}

export function bulk(name: string, content: string | Buffer, ...options: readonly string[]): ProgramAttempt {
  return program(["bulk", name, "--out", "out.jsonl", ...options], { [name]: content });
}

/** A file of jobs that is fine, and what it has. */
export function dryRun(name: string, given: string, content: string, rows = "1 row"): TriedCase {
  return {
    given,
    attempt: bulk(name, content, "--dry-run"),
    ends: 0,
    says: [`${rows}; nothing was enqueued`],
  };
}

/** Variables, for a command that needs nothing but Redis. */
export function variables(env: Readonly<Record<string, string>>, ...faults: readonly string[]): TriedCase {
  const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const says = faults.map((fault) => place("environment", fault));
  return { given: given.join(" "), attempt: program(["usage"], {}, env), ends: 2, says };
}

/** The configuration file. */
export function configFile(content: string | Buffer, ...faults: readonly string[]): TriedCase {
  const attempt = program(["usage"], { "c.json": content }, { PUPPET_ENGINE_CONFIG: "c.json" });
  const given = typeof content === "string" ? content : content.toString("latin1");
  return { given, attempt, ends: 2, says: faults.map((fault) => place("c.json:1", fault)) };
}

export function program(
  args: readonly string[],
  files: Files = {},
  env: Readonly<Record<string, string>> = {},
): ProgramAttempt {
  return { by: "program", args, files, env };
}

/** What a test shows that there is for something else. */
export function shown(given: string, shownBy: string, ends: number | string, ...says: readonly string[]): ShownCase {
  return { given, shownBy, ends, says };
}

/** The same case with another end, or other words for what is given. */
export function but(tried: TriedCase, other: Partial<TriedCase>): TriedCase {
  return { ...tried, ...other };
}

/** One reason for several doors. */
export function never<Doors extends Door>(reason: string, ...doors: readonly Doors[]): Record<Doors, Cell> {
  return Object.fromEntries(doors.map((door) => [door, reason])) as Record<Doors, Cell>;
}

function place(source: string, fault: string): string {
  return fault.startsWith(":") ? `${source}${fault}` : `${source} ${fault}`;
}
