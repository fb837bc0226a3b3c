import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;

export interface WaitOptions {
  /** Default 10,000. It only limits how long a failing test takes. */
  readonly timeoutMs?: number;
  /** What is waited for, for the message; may be computed when the time is over, to show what there was instead. */
  readonly describe?: string | (() => string);
}

type Falsy = false | null | undefined | 0 | "";

/** Polls until `condition` gives something truthy, and returns that. What it throws fails the wait at once. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, describe = () => String(condition) }: WaitOptions = {},
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (isTruthy(value)) return value;
    if (performance.now() > deadline) {
      const what = typeof describe === "string" ? describe : describe();
      throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    }
    await sleep(POLL_MS);
  }
}

function isTruthy<T>(value: T): value is Exclude<T, Falsy> {
  return Boolean(value);
}
