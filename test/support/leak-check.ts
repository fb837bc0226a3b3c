import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";

/**
 * Fails a test file that leaves a connection, server, timer or child process behind. Vitest runs this before each file,
 * in the file's own process; its `afterAll` is registered first and so runs last.
 */

/** Closing takes a moment: a socket says goodbye, a child is reaped, ioredis has a timer of 2 s for lost connections. */
const GRACE_MS = 3_000;
const POLL_MS = 50;

const atStart = countResources();

afterAll(async () => {
  const deadline = performance.now() + GRACE_MS;
  let leaks = leakedResources();
  while (leaks.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    leaks = leakedResources();
  }
  if (leaks.length > 0) throw new Error(`This file leaves behind: ${leaks.join(", ")}`);
});

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
