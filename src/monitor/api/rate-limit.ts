import type { FastifyInstance } from "fastify";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { networkOf } from "../access/addresses.ts";

/**
 * Refuses requests beyond so many a minute from one address with one role, which stands for the token. Counted in this
 * process.
 */
export function limitRate(scope: FastifyInstance, requestsPerMinute: number): void {
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: 60 });
  scope.addHook("onRequest", async ({ ip, role }, reply) => {
    try {
      await limiter.consume(`${role ?? "nobody"} ${networkOf(ip)}`);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      const limit = `${requestsPerMinute} requests a minute are taken from this address`;
      const setting = "monitor.requestsPerMinute in the configuration file sets that";
      const error = `${limit}: try again in ${seconds} s; ${setting}`;
      return await reply.status(429).header("retry-after", seconds).send({ error });
    }
  });
}
