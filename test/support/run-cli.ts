import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { waitFor } from "./wait-for.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Compiled code of earlier starts: halves what the next one costs. */
const COMPILE_CACHE = join(ROOT, "node_modules/.cache/node-compile-cache");

export interface ProgramOptions {
  /** Nothing of the environment of the tests is passed on except PATH, and a compile cache; what the program needs is said here. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the system's temporary folder; the project's own may hold a developer's .env. */
  readonly cwd?: string;
  /** What the program reads; default: nothing, its input is closed. */
  readonly input?: string;
}

export interface ProgramResult {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program while it runs. Leaving its scope kills it if it still runs. */
export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  /** All of stdout until now, without colours. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when it has ended and all of its output has been read. */
  readonly ended: Promise<ProgramResult>;
  signal(signal: NodeJS.Signals): void;
  /** Waits until stdout or stderr matches; fails at once, with all of the output, if the program ends before. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
}

/** Runs `puppet-engine <args>` from source to its end. */
export async function runCli(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  await using program = startCli(args, options);
  return await program.ended;
}

/** Starts `puppet-engine <args>` from source. */
export function startCli(args: readonly string[], options?: ProgramOptions): RunningProgram {
  return startProgram([join(ROOT, "src/cli/main.ts"), ...args], options);
}

/** Starts any script with the project's Node, e.g. one of `workers/`. */
export function startProgram(args: readonly string[], options: ProgramOptions = {}): RunningProgram {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], NO_COLOR: "1", NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env },
  });
  // The program may end without reading its input.
  child.stdin.on("error", () => undefined).end(options.input ?? "");
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: stdout(),
    stderr: stderr(),
  }));
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout();
    },
    get stderr() {
      return stderr();
    },
    ended,
    signal: (signal) => void child.kill(signal),
    waitForOutput: (pattern, timeoutMs = 20_000) =>
      waitForOutput(child, { pattern, timeoutMs, output: () => `${stdout()}${stderr()}` }),
    async [Symbol.asyncDispose]() {
      if (!hasEnded(child)) child.kill("SIGKILL");
      await ended;
    },
  };
}

interface OutputWait {
  readonly pattern: RegExp;
  readonly timeoutMs: number;
  readonly output: () => string;
}

async function waitForOutput(child: ChildProcess, wait: OutputWait): Promise<RegExpExecArray> {
  const describe = () => `${String(wait.pattern)} in the output:\n${wait.output()}`;
  return waitFor(
    () => {
      // Asked before the search: output that arrives between the two is then searched in the next round.
      const over = hasEnded(child) && child.stdout?.readableEnded === true && child.stderr?.readableEnded === true;
      const match = wait.pattern.exec(wait.output());
      if (match === null && over) throw new Error(`The program ended without ${describe()}`);
      return match;
    },
    { timeoutMs: wait.timeoutMs, describe },
  );
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => (text += chunk));
  return () => stripVTControlCharacters(text);
}
