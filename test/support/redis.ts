import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Redis, type RedisOptions } from "ioredis";
import { inject, onTestFailed } from "vitest";

/** The Redis of this test run; see `global-setup.ts` for which one that is. */
export function testRedisUrl(): string {
  return inject("redisUrl");
}

/** A name that no other test uses, so that tests share one Redis. Call it inside a test, which prints it if it fails. */
export function testNamespace(): string {
  const namespace = `${inject("runId")}-${randomBytes(4).toString("hex")}`;
  onTestFailed(() => console.log(`Redis namespace of the failed test: ${namespace}`));
  return namespace;
}

/** A connection that closes with its scope: `await using redis = await connectTestRedis()`. `url`: another server. */
export async function connectTestRedis(
  options: Omit<RedisOptions, "replyMapping"> = {},
  url = testRedisUrl(),
): Promise<Redis & AsyncDisposable> {
  const redis = new Redis(url, { lazyConnect: true, ...options });
  await redis.connect();
  return Object.assign(redis, {
    async [Symbol.asyncDispose]() {
      if (redis.status === "end") return;
      // While it waits to reconnect there is nothing to close, and no event tells that it has given up.
      const closed = redis.stream.destroyed ? null : once(redis.stream, "close");
      redis.disconnect();
      await closed;
    },
  });
}
