import { describeTlsFault } from "./redis-tls.ts";

const NO_SENTINEL = /^All sentinels are unreachable/;
/** ioredis gave up, for a reason that it does not tell. */
const NO_CONNECTION = /max retries per request|startup nodes|Failed to refresh slots cache|Command timed out/i;

/**
 * One line for people, with what to do; `null`: it is nothing about how we connect.
 * @param cause what a command failed with
 * @param lastFault why the connection could not be made when it was tried last; `undefined`: it was made
 * @param isOverTls it was to be one over TLS
 */
export function whyUnreachable(cause: unknown, lastFault: unknown, isOverTls: boolean): string | null {
  const faults = [cause, lastFault].flatMap((fault) => [fault, (fault as NodeFault | undefined)?.lastNodeError]);
  for (const fault of faults) {
    const tls = describeTlsFault(fault, isOverTls);
    if (tls !== null) return tls;
  }
  const message = messageOf(cause);
  const isThroughSentinels = NO_SENTINEL.test(messageOf(lastFault));
  if (faults.some((fault) => /NOAUTH|WRONGPASS/.test(messageOf(fault)))) {
    return isThroughSentinels
      ? "its sentinels refuse the user or password in REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD."
      : "it refuses the user or password in REDIS_URL.";
  }
  if (message.startsWith("NOPERM")) return `the user in REDIS_URL lacks a right: ${message.slice(0, 150)}.`;
  if (isThroughSentinels) return "no sentinel answers with its address. Start them, or correct REDIS_URL.";
  if (NO_CONNECTION.test(message) && (lastFault !== undefined || !message.startsWith("Command timed out")))
    return "no connection. Start it, or correct REDIS_URL.";
  return null;
}

/** As ioredis tells of a cluster. */
interface NodeFault {
  readonly lastNodeError?: unknown;
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : "no answer";
}
