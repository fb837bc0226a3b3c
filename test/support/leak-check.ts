import { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";
import { forgetSecrets } from "../../src/platform/secrets.ts";

/**
 * Fails a test file that leaves a connection, server, timer or child process behind. Vitest runs this before each file,
 * in the process that runs it and went through others before; its `afterAll` is registered first and so runs last.
 */

/** Closing takes a moment: a socket says goodbye, a child is reaped, ioredis has a timer of 2 s for lost connections. */
const GRACE_MS = 3_000;
const POLL_MS = 50;

/** Their handles are opened when somebody looks at them first, as `pipe` and `import "node:process"` do, and stay. */
const _handles = [process.stdin, process.stdout, process.stderr];

const atStart = countResources();

forgetSecrets();

afterAll(async () => {
  const deadline = performance.now() + GRACE_MS;
  let leaks = leakedResources();
  while (leaks.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    leaks = leakedResources();
  }
  if (leaks.length === 0) return;
  await killChildren();
  throw new Error(`This file leaves behind: ${leaks.join(", ")}`);
});

/** A test that hung is ended without leaving its scopes; its servers would stay on the machine. */
async function killChildren(): Promise<void> {
  const { _getActiveHandles: activeHandles } = process as unknown as { _getActiveHandles(): unknown[] };
  const children = activeHandles.call(process).filter((handle) => handle instanceof ChildProcess);
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => once(child, "exit")));
}

function leakedResources(): string[] {
  return [...countResources()]
    .map(([type, count]) => ({ type, extra: count - (atStart.get(type) ?? 0) }))
    .filter(({ extra }) => extra > 0)
    .map(({ type, extra }) => `${extra} x ${type}`);
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}
