import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { testNamespace, testRedisUrl } from "./redis.ts";
import { startCli, type ProgramOptions, type ProgramResult, type RunningProgram } from "./run-cli.ts";
import { makeTempFolder } from "./temp-folder.ts";

/** The command line as one person uses it: in a folder and a Redis namespace of their own. */
export interface CliSession extends AsyncDisposable {
  readonly folder: string;
  readonly namespace: string;
  /** Of all of its programs. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `puppet-engine <args>` to its end and asserts that nothing secret was printed. */
  run(...args: string[]): Promise<ProgramResult>;
  start(...args: string[]): RunningProgram;
  /** Writes a file of the folder; its name may have folders in it. */
  write(name: string, content: string | object): Promise<void>;
  read(name: string): Promise<string>;
  /** The lines of a JSONL file, parsed. */
  readLines(name: string): Promise<Record<string, unknown>[]>;
}

export interface SessionOptions {
  /** Wins over the session's own Redis, namespace and log level. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whatever is in here must not appear in any output. */
  readonly secrets?: readonly string[];
}

export async function openCliSession({ env = {}, secrets = [] }: SessionOptions = {}): Promise<CliSession> {
  const namespace = testNamespace();
  const folder = await makeTempFolder();
  const options = {
    cwd: folder.path,
    env: { REDIS_URL: testRedisUrl(), PUPPET_ENGINE_NAMESPACE: namespace, ...env },
  };
  return {
    folder: folder.path,
    namespace,
    environment: options.env,
    async run(...args) {
      const result = await runToEnd(args, options);
      for (const secret of secrets) expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
      return result;
    },
    start: (...args) => startCli(args, options),
    async write(name, content) {
      const path = join(folder.path, name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    },
    read: async (name) => await readFile(join(folder.path, name), "utf8"),
    readLines: async (name) =>
      (await readFile(join(folder.path, name), "utf8"))
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Shorter than a test may take, so that a program that does not end is shown with its output. */
const PATIENCE_MS = 25_000;

async function runToEnd(args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  await using program = startCli(args, options);
  const timer = setTimeout(() => program.signal("SIGKILL"), PATIENCE_MS);
  const result = await program.ended.finally(() => clearTimeout(timer));
  if (result.signal === "SIGKILL") {
    throw new Error(`puppet-engine ${args.join(" ")} did not end:\n${result.stdout}${result.stderr}`);
  }
  return result;
}
