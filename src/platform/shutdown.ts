import { systemClock, type Clock } from "./clock.ts";

/** How a process is asked to stop: the first signal politely, the second at once. */
export interface ShutdownSignals {
  /** Aborted by the first SIGTERM or SIGINT; its reason is the signal's name. */
  readonly requested: AbortSignal;
  /** Aborted by the second. */
  readonly forced: AbortSignal;
  [Symbol.dispose](): void;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** Who ends a whole process group reaches us twice, once directly and once through npm; nobody types that fast. */
const SAME_SIGNAL_MS = 500;

export function listenForShutdown(clock: Clock = systemClock): ShutdownSignals {
  const requested = new AbortController();
  const forced = new AbortController();
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!requested.signal.aborted) {
      firstMs = clock.monotonicMs();
      requested.abort(name);
    } else if (clock.monotonicMs() - firstMs > SAME_SIGNAL_MS) {
      forced.abort(name);
    }
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

const PATIENCE_MS = 2000;

/**
 * For programs that have done all they had to: connections to a Redis that went away, or takes no writes, may keep the
 * process alive for ever.
 */
export function exitSoon(): void {
  setTimeout(() => process.exit(), PATIENCE_MS).unref();
}
