/** A vendor's limit that lets a burst of one second through: the bucket holds what the rate gives in that time. */
export interface TokenBucket {
  readonly perMinute: number;
  /** How long until `cost` fits; 0: now. Never less than that for a cost above the capacity, which never fits. */
  waitMs(cost: number, now: number): number;
  /** Only after `waitMs` has said 0. */
  take(cost: number, now: number): void;
  /** What is in it, in whole units. */
  remaining(now: number): number;
  fullInMs(now: number): number;
}

const BURST_MS = 1000;
const MINUTE_MS = 60_000;
/** Sums of times such as 1000 / 60 ms are off by less than this. */
const ROUNDING_MS = 1e-6;

/** Full at the start. All times in ms, of any clock that does not go back. */
export function createTokenBucket(perMinute: number): TokenBucket {
  const msPerUnit = MINUTE_MS / perMinute;
  // One number is the whole state: when the bucket is full again.
  let fullAt = -Infinity;
  const fullInMs = (now: number): number => Math.max(0, fullAt - now);
  return {
    perMinute,
    waitMs(cost, now) {
      const wait = fullInMs(now) + cost * msPerUnit - BURST_MS;
      return wait > ROUNDING_MS ? wait : 0;
    },
    take(cost, now) {
      fullAt = now + fullInMs(now) + cost * msPerUnit;
    },
    remaining: (now) => Math.floor((BURST_MS - fullInMs(now) + ROUNDING_MS) / msPerUnit),
    fullInMs,
  };
}
