import { waitFor } from "../wait-for.ts";
import type { FaultSystem } from "./fault-system.ts";

/** Shorter than what runs again because its worker was lost: that is another way back. */
const PATIENCE_MS = 30_000;

/** Waits until something is right again, and prints how long that took: nothing is asserted of it. */
export async function timeRecovery(what: string, isBack: () => boolean | Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  await waitFor(isBack, { timeoutMs: PATIENCE_MS, describe: what });
  console.info(`${what}: after ${Math.round(performance.now() - startMs)} ms`);
}

/** Waits until one more job has ended. */
export async function timeProgress(what: string, system: FaultSystem): Promise<void> {
  const before = await system.ended();
  await timeRecovery(what, async () => (await system.ended()) > before);
}
