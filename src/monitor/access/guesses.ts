import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { networkOf } from "./addresses.ts";

/** Wrong tokens that one address may send a minute; then none of its tokens is looked at for the rest of it. */
export const GUESSES_PER_MINUTE = 10;

/** Both count before they return: requests that come at once are counted one after the other. */
export interface Guesses {
  /** How long the address has to wait, ms; 0: not at all. */
  blockedMs(address: string): Promise<number>;
  /** Notes a wrong token. @returns as above, for this one */
  failed(address: string): Promise<number>;
}

/** Counts wrong tokens by address, in this process. */
export function createGuesses(): Guesses {
  const limiter = new RateLimiterMemory({ points: GUESSES_PER_MINUTE, duration: 60 });
  return {
    async blockedMs(address) {
      const state = await limiter.get(networkOf(address));
      return state !== null && state.consumedPoints >= GUESSES_PER_MINUTE ? Math.max(1, state.msBeforeNext) : 0;
    },
    async failed(address) {
      try {
        await limiter.consume(networkOf(address));
        return 0;
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        return Math.max(1, refusal.msBeforeNext);
      }
    },
  };
}
