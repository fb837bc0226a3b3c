import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import type { ProgramOptions, ProgramResult } from "./run-cli.ts";

/** Runs any program of this machine to its end. Nothing of the environment is passed on except PATH and HOME. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd = tmpdir(), env, input = "" }: ProgramOptions = {},
): Promise<ProgramResult> {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, { cwd, env: { PATH, HOME, ...env } });
  // The program may end without reading its input.
  child.stdin.on("error", () => undefined).end(input);
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, stdout, stderr };
}
