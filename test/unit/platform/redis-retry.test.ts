import { describe, expect, it } from "vitest";
import { isPassingRedisError, untilRedisAnswers } from "../../../src/platform/redis-retry.ts";

const NEVER = new AbortController().signal;

describe("a Redis answer that passes", () => {
  it.each([
    "LOADING Redis is loading the dataset in memory",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM command not allowed when used memory > 'maxmemory'. script: 2c6e9a, on @user_script:3.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "READONLY You can't write against a read only replica.",
    "CLUSTERDOWN The cluster is down",
    "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "NOREPLICAS Not enough good replicas to write.",
  ])("%s", (message) => {
    expect(isPassingRedisError(new Error(message))).toBe(true);
  });
});

describe("a connection that passes", () => {
  it.each([
    "connect ECONNREFUSED 127.0.0.1:6379",
    "connect ENOENT /run/redis.sock",
    "connect ETIMEDOUT",
    "read ECONNRESET",
    "write EPIPE",
    "Command timed out",
    "Command aborted due to connection close",
    "Connection is closed.",
    "Stream isn't writeable and enableOfflineQueue options is false",
    'Reached the max retries per request limit (which is 2). Refer to "maxRetriesPerRequest" option for details.',
  ])("%s", (message) => {
    expect(isPassingRedisError(new Error(message))).toBe(true);
  });
});

describe("what does not pass by itself", () => {
  it.each([
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM User default has no permissions to run the 'eval' command",
    "ERR unknown command 'FOO'",
    "ERR value is not an integer or out of range",
    "ERR user_script:1: Script attempted to access nonexistent global variable 'x'",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "NOSCRIPT No matching script. Please use EVAL.",
    "BUSYGROUP Consumer Group name already exists",
    "BUSYKEY Target key name already exists.",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "EXECABORT Transaction discarded because of previous errors.",
    "NOPROTO unsupported protocol version",
    "Unexpected token 'L', \"LOADING\" is not valid JSON",
  ])("%s", (message) => {
    expect(isPassingRedisError(new Error(message))).toBe(false);
  });

  it("includes whatever is no error", () => {
    for (const value of ["LOADING", null, undefined, { message: "LOADING" }])
      expect(isPassingRedisError(value)).toBe(false);
  });
});

describe("untilRedisAnswers", () => {
  const failing = (times: number, message: string): (() => Promise<number>) => {
    let calls = 0;
    return async () => {
      if (++calls <= times) throw new Error(message);
      return await Promise.resolve(calls);
    };
  };

  it("repeats the command until Redis takes it, and tells of every failure", async () => {
    const failures: string[] = [];
    const answer = await untilRedisAnswers(failing(3, "LOADING"), {
      signal: NEVER,
      onFailure: (error, count) => failures.push(`${count} ${error.message}`),
    });
    expect(answer).toBe(4);
    expect(failures).toEqual(["1 LOADING", "2 LOADING", "3 LOADING"]);
  });

  it("throws at once what does not pass by itself", async () => {
    const onFailure = (): void => expect.unreachable();
    await expect(untilRedisAnswers(failing(1, "WRONGTYPE x"), { signal: NEVER, onFailure })).rejects.toThrow(
      "WRONGTYPE",
    );
  });

  it("ends with the last error when it is given up", async () => {
    const giveUp = new AbortController();
    const onFailure = (_: Error, count: number): void => {
      if (count === 2) giveUp.abort();
    };
    const command = failing(Infinity, "OOM command not allowed");
    await expect(untilRedisAnswers(command, { signal: giveUp.signal, onFailure })).rejects.toThrow("OOM");
  });
});
