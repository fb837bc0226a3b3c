/** Calls back when a signal fires. */
export interface AbortWatch {
  /** @returns ends it */
  on(signal: AbortSignal, callback: () => void): () => void;
}

interface Watched {
  readonly callbacks: Set<() => void>;
  readonly tellAll: () => void;
}

/**
 * One listener on each signal, however many wait for it: a signal looks through all of its listeners for each one that
 * is added or removed, which takes seconds when ten thousand wait.
 */
export function createAbortWatch(): AbortWatch {
  const watched = new Map<AbortSignal, Watched>();
  const watch = (signal: AbortSignal): Watched => {
    const callbacks = new Set<() => void>();
    const tellAll = (): void => [...callbacks].forEach((callback) => callback());
    signal.addEventListener("abort", tellAll, { once: true });
    const entry = { callbacks, tellAll };
    watched.set(signal, entry);
    return entry;
  };
  return {
    on(signal, callback) {
      const { callbacks, tellAll } = watched.get(signal) ?? watch(signal);
      callbacks.add(callback);
      return () => {
        if (!callbacks.delete(callback) || callbacks.size > 0) return;
        watched.delete(signal);
        signal.removeEventListener("abort", tellAll);
      };
    },
  };
}
