/** Where the wait before a retry comes from. All times in ms. */
export interface BackoffPolicy {
  /** The upper bound of the first wait; default 1,000. */
  readonly baseMs: number;
  /** No wait is longer; default 10,000. */
  readonly capMs: number;
}

/**
 * Exponential back-off with full jitter: uniform between 0 and min(cap, base · 2^(retry − 1)).
 * Full jitter spreads the retries of many jobs that failed at the same moment better than any other kind
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * @param retry 1 for the first retry
 * @param random 0 ≤ random < 1
 */
export function backoff(retry: number, random: number, policy: BackoffPolicy): number {
  return Math.floor(random * Math.min(policy.capMs, policy.baseMs * 2 ** (retry - 1)));
}

/**
 * A number in [0, 1) that is a function of `text` alone (FNV-1a with a final mix). It makes the jitter of an attempt
 * repeatable: whoever reads the same history computes the same wait, in any process, with nothing to store.
 */
export function jitterOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
