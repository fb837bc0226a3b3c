import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { SetupError } from "./setup-error.mjs";

/** The sources use syntax that Node understands since this version. */
const NODE_FOR_SOURCES = 24;

/**
 * Runs a program of node_modules/.bin (`vitest`) or a TypeScript file of the project (`src/cli/main.ts`) with the
 * project's own Node, and gives back its exit code (128 + n when signal n ended it).
 * @param {string} root the project's folder
 * @param {readonly string[]} command
 * @returns {Promise<number>}
 */
export async function runCommand(root, [name = "", ...args]) {
  const bin = join(root, "node_modules", ".bin");
  const isSource = name.endsWith(".ts");
  const program = isSource ? projectNode(root) : join(bin, name);
  if (!existsSync(program)) throw new SetupError(`There is no program ${name} in node_modules/.bin.`, 2);
  const child = spawn(program, isSource ? [resolve(root, name), ...args] : args, {
    stdio: "inherit",
    // The programs of node_modules/.bin look for `node` in PATH, too. Compiled code is kept: the next start is quicker.
    env: {
      NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node-compile-cache"),
      ...process.env,
      PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
    },
  });
  forwardSignals(child);
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => done(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  });
}

/**
 * The Node that runs the project: its own, from the npm package `node`.
 * @param {string} root
 */
export function projectNode(root) {
  const node = join(root, "node_modules", ".bin", "node");
  if (existsSync(node)) return node;
  // npm leaves it out when install scripts are switched off (ignore-scripts).
  if (Number.parseInt(process.versions.node, 10) >= NODE_FOR_SOURCES) return process.execPath;
  throw new SetupError(
    "npm has not installed the project's own Node, because install scripts are switched off.\n" +
      "Run: npm rebuild node --ignore-scripts=false",
    2,
  );
}

/**
 * A terminal sends Ctrl-C to the child itself, which must not get it twice: the second one means "at once".
 * @param {import("node:child_process").ChildProcess} child
 */
function forwardSignals(child) {
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      if (!(hasTerminal && signal === "SIGINT")) child.kill(signal);
    });
  }
}
