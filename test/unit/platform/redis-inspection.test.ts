import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { inspectRedis, type RedisInspection } from "../../../src/platform/redis-inspection.ts";
import { connectTestRedis } from "../../support/redis.ts";

/** What INFO answers is all that is looked at. */
async function inspect(fields: Readonly<Record<string, string>>): Promise<RedisInspection> {
  const lines = Object.entries(fields).map(([name, value]) => `${name}:${value}`);
  const answer = ["# Server", ...lines, "", "# Keyspace", "db0:keys=1,expires=0", ""].join("\r\n");
  const info: Pick<Redis, "info"> = { info: () => Promise.resolve(answer) };
  return await inspectRedis(info as Redis);
}

const GOOD = {
  redis_version: "7.4.1",
  maxmemory_policy: "noeviction",
  aof_enabled: "1",
  configured_hz: "100",
  hz: "100",
};

describe("a Redis is inspected", () => {
  it("and a real one answers", async () => {
    await using redis = await connectTestRedis();
    const { version, hz } = await inspectRedis(redis);
    expect(version).toMatch(/^\d+\.\d+/);
    expect(hz).toBeGreaterThan(0);
  });

  it("without a warning when all is well", async () => {
    expect(await inspect(GOOD)).toEqual({ version: "7.4.1", hz: 100, warnings: [] });
  });

  it.each([
    [
      "that may drop jobs",
      { maxmemory_policy: "allkeys-lru" },
      "Redis may drop jobs when its memory is full: maxmemory-policy is allkeys-lru; set it to noeviction",
    ],
    [
      "that forgets jobs in a crash",
      { aof_enabled: "0" },
      "Redis forgets accepted jobs when it crashes: its append-only file is off; set appendonly yes",
    ],
    ["that is too old", { redis_version: "6.0.20" }, "Redis 6.0.20 is too old; 6.2 or newer is needed"],
    ["that is much too old", { redis_version: "5.0.14" }, "Redis 5.0.14 is too old; 6.2 or newer is needed"],
  ])("with a warning for one %s", async (_, differences, warning) => {
    expect((await inspect({ ...GOOD, ...differences })).warnings).toEqual([warning]);
  });

  it("with all warnings at once", async () => {
    const { warnings } = await inspect({ redis_version: "6.0.0", maxmemory_policy: "volatile-ttl", aof_enabled: "0" });
    expect(warnings).toHaveLength(3);
  });

  it("also when it is a Valkey", async () => {
    const valkey = { ...GOOD, redis_version: "7.2.4", server_name: "valkey", valkey_version: "8.1.0" };
    expect(await inspect(valkey)).toEqual({ version: "8.1.0", hz: 100, warnings: [] });
  });

  it("and managed services may keep things to themselves", async () => {
    expect(await inspect({})).toEqual({ version: "unknown", hz: null, warnings: [] });
  });
});
