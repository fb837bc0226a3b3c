import { describe, expect, it } from "vitest";
import { isPassingRedisError } from "../../../src/platform/redis-retry.ts";
import { describeRefusal, isWriteRefusal, troubleOf } from "../../../src/platform/redis-trouble.ts";
import { RedisUnavailableError } from "../../../src/platform/redis.ts";

const ADDRESS = { url: "redis://127.0.0.1:6379" };

describe("a Redis that takes no writes", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "full"],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 2c6e9a, on @user_script:3.", "full"],
    ["ERR Error running script (call to f_2c6e9a): @user_script:3: -OOM command not allowed", "full"],
    ["READONLY You can't write against a read only replica.", "read-only"],
    ["MISCONF Errors writing to the AOF file: No space left on device", "cannot-persist"],
    ["NOREPLICAS Not enough good replicas to write.", "too-few-replicas"],
  ])("%s", (message, kind) => {
    const error = new Error(message);
    expect(isPassingRedisError(error)).toBe(true);
    expect(troubleOf(error)).toMatchObject({ kind, remedy: expect.stringMatching(/\w+ \w+/) as string });
    expect(isWriteRefusal(error)).toBe(true);
  });
});

describe("whatever else is wrong", () => {
  it.each([
    ["connect ECONNREFUSED 127.0.0.1:6379", "unreachable"],
    ['Reached the max retries per request limit (which is 2). Refer to "maxRetriesPerRequest"', "unreachable"],
    ["Command timed out", "no-answer"],
    ["Socket timeout: no answer in 3 s", "no-answer"],
    ["LOADING Redis is loading the dataset in memory", "loading"],
    ["BUSY Redis is busy running a script.", "busy"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "no-access"],
    ["NOPERM User default has no permissions to run the 'set' command", "no-access"],
    ["CLUSTERDOWN The cluster is down", "other"],
  ])("%s", (message, kind) => {
    const error = new RedisUnavailableError(ADDRESS, new Error(message));
    expect(error).toMatchObject({ reason: kind, remedy: expect.stringMatching(/\w/) as string });
    expect(isWriteRefusal(error)).toBe(false);
  });
});

it("says what Redis has said, and what to do", () => {
  expect(describeRefusal(new Error("READONLY You can't write against a read only replica."))).toBe(
    "Redis refuses to write: READONLY You can't write against a read only replica; it is a replica: point REDIS_URL to the primary",
  );
});
