/** How a process is asked to stop: the first signal politely, the second at once. */
export interface ShutdownSignals {
  /** Aborted by the first SIGTERM or SIGINT; its reason is the signal's name. */
  readonly requested: AbortSignal;
  /** Aborted by the second. */
  readonly forced: AbortSignal;
  [Symbol.dispose](): void;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

export function listenForShutdown(): ShutdownSignals {
  const requested = new AbortController();
  const forced = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (requested.signal.aborted) forced.abort(name);
    else requested.abort(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    requested: requested.signal,
    forced: forced.signal,
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
