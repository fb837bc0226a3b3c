import type { RedisClient } from "../platform/redis-client.ts";
import { sleep, type Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { whyNotWritable } from "../platform/redis-write-probe.ts";

/**
 * Whether Redis takes writes. While it does not (it is full, read-only, cannot persist), a job that is taken could not be
 * admitted, and what it paid for not be recorded: no jobs are taken.
 */
export interface WriteGate {
  /** Redis has refused a write. The gate opens by itself when it takes one. */
  shut(): void;
  isOpen(): boolean;
  /** `listener` is told of every change. */
  onChange(listener: (isOpen: boolean) => void): void;
  /** Looks no more. */
  close(): void;
}

export interface WriteGateOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly logger: Pick<Logger, "info">;
}

const PROBE_EVERY_MS = 1000;

export function createWriteGate({ redis, namespace, clock, logger }: WriteGateOptions): WriteGate {
  const listeners: ((isOpen: boolean) => void)[] = [];
  const closing = new AbortController();
  let isOpen = true;
  const change = (to: boolean): void => {
    isOpen = to;
    for (const listener of listeners) listener(to);
  };
  const untilItWrites = async (): Promise<void> => {
    const shutMs = clock.monotonicMs();
    do await sleep(PROBE_EVERY_MS, closing.signal);
    while (!closing.signal.aborted && (await whyNotWritable(redis, namespace)) !== null);
    if (closing.signal.aborted) return;
    change(true);
    const seconds = Math.round((clock.monotonicMs() - shutMs) / 1000);
    logger.info({ seconds }, "Redis takes writes again; jobs are taken again");
  };
  return {
    shut() {
      if (!isOpen || closing.signal.aborted) return;
      change(false);
      void untilItWrites();
    },
    isOpen: () => isOpen,
    onChange: (listener) => void listeners.push(listener),
    close: () => closing.abort(),
  };
}
