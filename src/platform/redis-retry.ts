import { sleep } from "./clock.ts";

/**
 * Answers and connection states after which the same command may succeed later: Redis is away, loading, full, failing
 * to persist, read-only after a fail-over, or a cluster slot is moving.
 */
const PASSING =
  /^(LOADING|OOM|MISCONF|READONLY|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|MASTERDOWN|BUSY|NOREPLICAS)\b|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|Command timed out|Command aborted|Connection is closed|Socket timeout|Cluster redirections|startup nodes|refresh slots cache|All sentinels|Stream isn't writeable|max retries per request/i;

/** Before version 7 Redis wraps what a command inside a script was refused for. */
const PASSING_IN_SCRIPT = /^ERR Error running script.*-(?:OOM|MISCONF|READONLY)\b/;

export function isPassingRedisError(error: unknown): boolean {
  return error instanceof Error && (PASSING.test(error.message) || PASSING_IN_SCRIPT.test(error.message));
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

export interface RetryOptions {
  /** Aborting ends the retries: the last error is thrown. */
  readonly signal: AbortSignal;
  /** Told of every failure that is retried, with its count from 1. */
  readonly onFailure: (error: Error, failures: number) => void;
  /** Pauses between retries may be so long together; default: for ever. */
  readonly patienceMs?: number;
}

/**
 * Repeats an idempotent command until Redis takes it, or patience is at its end. Errors that do not pass by themselves are
 * thrown at once.
 */
export async function untilRedisAnswers<T>(
  command: () => Promise<T>,
  { signal, onFailure, patienceMs = Infinity }: RetryOptions,
): Promise<T> {
  for (let failures = 1, pausedMs = 0; ; failures++) {
    try {
      return await command();
    } catch (error) {
      if (!(error instanceof Error) || !isPassingRedisError(error) || signal.aborted) throw error;
      onFailure(error, failures);
      if (pausedMs >= patienceMs) throw error;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      await sleep(pauseMs, signal);
      pausedMs += pauseMs;
    }
  }
}
