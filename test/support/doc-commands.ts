import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CodeBlock } from "./markdown.ts";
import { runCli, startCli, type ProgramResult, type RunningProgram } from "./run-cli.ts";
import { freePort } from "./free-port.ts";

/** A command line of a document, and what the document says that it prints. */
export interface DocCommand {
  readonly line: number;
  readonly text: string;
  /** Lines below it in a `console` block; `[]` in a `sh` block, which shows no output. */
  readonly output: readonly string[];
  readonly exitCode: number;
}

/** The commands of a `sh` block (one a line) or a `console` block (behind `$ `). */
export function commandsOf({ language, text, line, marks }: CodeBlock): DocCommand[] {
  const exitCode = Number(marks.map((mark) => /^exits with (\d+)$/.exec(mark)?.[1]).find(Boolean) ?? 0);
  const commands: { line: number; text: string; output: string[]; exitCode: number }[] = [];
  text.split("\n").forEach((content, index) => {
    const isCommand = language === "sh" ? content !== "" && !content.startsWith("#") : content.startsWith("$ ");
    if (isCommand) commands.push({ line: line + 1 + index, text: content.replace(/^\$ /, ""), output: [], exitCode });
    else if (language === "console") commands.at(-1)?.output.push(content);
  });
  return commands;
}

/** Runs the commands of one document, one after the other, in one folder. Servers keep running until it is disposed. */
export interface DocShell extends AsyncDisposable {
  /** @returns what is wrong with the command, or `null` */
  run(command: DocCommand): Promise<string | null>;
}

const PROGRAM = /^(?:npm run puppet-engine --|npx puppet-engine|puppet-engine)(?: |$)/;
const NPM_START = /^npm start(?: -- | |$)/;
/** Commands that run until they are stopped. */
const SERVERS = new Set(["worker", "start", "monitor"]);
const DOCUMENTED_PORT = "3700";

export async function openDocShell(folder: string): Promise<DocShell> {
  const port = String(await freePort());
  const servers: RunningProgram[] = [];
  const environment = { MONITOR_PORT: port };
  const start = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string | null> => {
    const server = startCli(args, { cwd: folder, env });
    servers.push(server);
    await server.waitForOutput(/is taking jobs|monitor at/);
    return null;
  };
  return {
    async run(command) {
      const { env, args, program } = parseCommand(command.text);
      if (program === "cp") return await copy(args, folder);
      if (program === "curl") return await request(args, port);
      if (program !== "puppet-engine") return `no way to run ${JSON.stringify(command.text)} in a test`;
      const options = { cwd: folder, env: { ...environment, ...env } };
      if (SERVERS.has(args[0] ?? "") && !args.includes("--help")) return await start(args, options.env);
      return whatIsWrong(command, await runCli(args, options));
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.signal("SIGTERM");
        const { code, stderr } = await server.ended;
        if (code !== 0) throw new Error(`a server of the document ended with ${code}:\n${stderr}`);
      }
    },
  };
}

export interface ParsedCommand {
  readonly env: Readonly<Record<string, string>>;
  readonly program: string;
  readonly args: readonly string[];
}

/** Knows quotation marks and `NAME=value` in front, and no other magic of a shell. */
export function parseCommand(text: string): ParsedCommand {
  const env: Record<string, string> = {};
  let rest = text;
  for (let match; (match = /^([A-Z_]+)=(\S+) /.exec(rest)) !== null; rest = rest.slice(match[0].length))
    env[match[1] ?? ""] = match[2] ?? "";
  const line = rest.replace(PROGRAM, "puppet-engine ").replace(NPM_START, "puppet-engine start ");
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
  return { env, program: words[0] ?? "", args: words.slice(1) };
}

async function copy(args: readonly string[], folder: string): Promise<null> {
  await promisify(execFile)("cp", [...args], { cwd: folder });
  return null;
}

/** What `curl` does with `-X` and `--json`, at the port that the test has given the monitor. */
async function request(args: readonly string[], port: string): Promise<string | null> {
  const url = (args.at(-1) ?? "").replace(`:${DOCUMENTED_PORT}`, `:${port}`);
  const valueOf = (option: string): string | undefined => {
    const at = args.indexOf(option);
    return at === -1 ? undefined : args[at + 1];
  };
  const body = valueOf("--json");
  const method = valueOf("-X") ?? (body === undefined ? "GET" : "POST");
  const sent = body === undefined ? {} : { body, headers: { "content-type": "application/json" } };
  const answer = await fetch(url, { method, ...sent });
  return answer.ok ? null : `${method} ${url} answered ${answer.status}: ${await answer.text()}`;
}

/** @returns what differs from the document: the exit code, or lines of output that did not come */
export function whatIsWrong({ output, exitCode }: DocCommand, result: ProgramResult): string | null {
  const printed = `${result.stdout}\n${result.stderr}`;
  if (result.code !== exitCode) return `exit code ${result.code} instead of ${exitCode}:\n${printed}`;
  const lines = printed.split("\n").map(withoutNumbers);
  const missing = output.filter((line) => !lines.some((actual) => patternOf(line).test(actual)));
  return missing.length === 0 ? null : `not printed:\n${missing.join("\n")}\nbut:\n${printed}`;
}

/** `…` stands for anything; numbers and the widths of columns differ from run to run. */
function patternOf(line: string): RegExp {
  const parts = withoutNumbers(line).split("…");
  return new RegExp(`^${parts.map(escapePattern).join(".*")}$`);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function withoutNumbers(line: string): string {
  return line
    .replace(/\d[\d.,]*/g, "0")
    .replace(/─+/g, "─")
    .replace(/\s+/g, " ")
    .trim();
}
