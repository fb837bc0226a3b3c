import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** Says what is wrong; of one kind only now and then. */
export type TellError = (kind: string, line: Readonly<Record<string, unknown>>, message: string) => void;

const EVERY_MS = 60_000;

/**
 * For trouble that comes with every job and every retry: the first of a kind is told at once, then one a minute, with the
 * number of those that were left out.
 */
export function sampleErrors(logger: Pick<Logger, "error">, clock: Pick<Clock, "monotonicMs">): TellError {
  const told = new Map<string, { atMs: number; leftOut: number }>();
  return (kind, line, message) => {
    const nowMs = clock.monotonicMs();
    const last = told.get(kind);
    if (last !== undefined && nowMs - last.atMs < EVERY_MS) return void last.leftOut++;
    const leftOut = last?.leftOut ?? 0;
    logger.error({ ...line, ...(leftOut === 0 ? {} : { leftOut }) }, message);
    told.set(kind, { atMs: nowMs, leftOut: 0 });
  };
}
