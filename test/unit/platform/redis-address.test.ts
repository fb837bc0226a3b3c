import { describe, expect, it } from "vitest";
import { RedisUnavailableError, showRedisAddress, withRedis } from "../../../src/platform/redis.ts";

const ADDRESS = { url: "redis://user:canary@redis.example:6380/2?password=canary#canary" };

describe("the address of a Redis is shown", () => {
  it.each([
    ["redis://localhost", "redis://localhost"],
    ["redis://localhost:6380/2", "redis://localhost:6380/2"],
    ["rediss://[::1]:6379", "rediss://[::1]:6379"],
    ["redis://user:canary@redis.example", "redis://***@redis.example"],
    ["redis://:canary@redis.example:6380/1", "redis://***@redis.example:6380/1"],
    ["redis://canary@redis.example", "redis://***@redis.example"],
    ["redis://:can%40ary@redis.example", "redis://***@redis.example"],
    ["redis://redis.example?password=canary", "redis://redis.example"],
    ["redis+sentinel://user:canary@a:1,b:2/mymaster/1", "redis+sentinel://***@a:1,b:2/mymaster/1"],
    ["rediss+cluster://:canary@a:1,b", "rediss+cluster://***@a:1,b"],
    ["redis+cluster://:canary@a:1,b/canary", "the given REDIS_URL"],
    ["canary", "the given REDIS_URL"],
    ["redis://:canary@host:99999", "the given REDIS_URL"],
  ])("%s as %s", (url, shown) => {
    expect(showRedisAddress({ url })).toBe(shown);
  });

  it("as a path when it is a socket", () => {
    expect(showRedisAddress({ path: "/run/redis.sock" })).toBe("/run/redis.sock");
  });
});

describe("a Redis that is not available", () => {
  const failure = async (message: string): Promise<Error> =>
    await withRedis(ADDRESS, () => Promise.reject(new Error(message))).then(
      () => expect.unreachable(),
      (error: unknown) => error as Error,
    );

  it.each([
    [
      'Reached the max retries per request limit (which is 2). Refer to "maxRetriesPerRequest" option for details.',
      "no connection. Start it, or correct REDIS_URL.",
    ],
    ["NOAUTH Authentication required.", "it refuses the user or password in REDIS_URL."],
    ["WRONGPASS invalid username-password pair or user is disabled.", "it refuses the user or password in REDIS_URL."],
    [
      "NOPERM User x has no permissions to run the 'eval' command",
      "the user in REDIS_URL lacks a right: NOPERM User x has no permissions to run the 'eval' command.",
    ],
    [
      "OOM command not allowed when used memory > 'maxmemory'.",
      "Redis refuses to write: OOM command not allowed when used memory > 'maxmemory'; raise its maxmemory, or keep results and usage rows for a shorter time (retention).",
    ],
    [
      "MISCONF Redis is configured to save RDB snapshots",
      "Redis refuses to write: MISCONF Redis is configured to save RDB snapshots; it cannot write its data to disk: look at its log and at the space on the disk.",
    ],
    ["Command timed out", "no answer in time; look whether it runs and what it is busy with."],
    ["CLUSTERDOWN The cluster is down", "CLUSTERDOWN The cluster is down; look at its log."],
  ])("says why: %s", async (message, reason) => {
    const error = await failure(message);
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error.message).toBe(`Redis at redis://***@redis.example:6380/2 is not available: ${reason}`);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("is not blamed for other errors", async () => {
    const error = await failure("ERR value is not an integer or out of range");
    expect(error).not.toBeInstanceOf(RedisUnavailableError);
    expect(error.message).toBe("ERR value is not an integer or out of range");
  });

  it("is not noticed while it answers", async () => {
    expect(await withRedis(ADDRESS, () => Promise.resolve("PONG"))).toBe("PONG");
  });
});
