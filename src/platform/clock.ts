/** Time as a parameter. */
export interface Clock {
  /** Epoch ms. It can jump when the machine's clock is set: use it for dates, not for durations. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() };

/** Resolves after `ms`, or at once when `signal` aborts: the caller checks `signal.aborted`. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish, { once: true });
  });
}

/** Resolves when the work is over, however it ended, or after `ms`: whoever closes things waits no longer. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  work.then(
    () => over.resolve(),
    () => over.resolve(),
  );
  await over.promise;
  clearTimeout(timer);
}
