import { Cluster, type Redis } from "ioredis";

const PULSE_MS = 1_000;
/** So many pulses without an answer are a partition that nobody announced, or a Redis that hangs. */
const MOST_SILENT_PULSES = 3;

/**
 * Asks every second whether the other end is there; a connection that says nothing for three is opened anew, and what was
 * asked on it asked again. A silent one without anything to do would otherwise never be noticed, and a socket time-out
 * would take our own event loop's delays for silence: here a second counts only when it was there for it.
 */
export function keepPulse(redis: Redis | Cluster): void {
  if (redis instanceof Cluster) redis.on("+node", beat);
  else beat(redis);
}

function beat(redis: Redis): void {
  let isAsking = false;
  let silent = 0;
  const timer = setInterval(() => {
    if (redis.status !== "ready") return;
    if (isAsking && ++silent >= MOST_SILENT_PULSES)
      return void redis.stream.destroy(new Error(`Socket timeout: no answer in ${silent} s`));
    if (isAsking) return;
    isAsking = true;
    redis
      .ping()
      // Whoever has something to say to Redis hears of the trouble.
      .catch(() => undefined)
      .finally(() => {
        isAsking = false;
        silent = 0;
      });
  }, PULSE_MS).unref();
  redis.on("close", () => (silent = 0));
  redis.once("end", () => clearInterval(timer));
}
