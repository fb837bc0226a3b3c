import { describe, expect, it } from "vitest";
import { startLocalRedis } from "./redis-server.ts";
import { connectTestRedis, testNamespace, testRedisUrl } from "./redis.ts";
import { waitFor } from "./wait-for.ts";

describe("the Redis of the tests", () => {
  it("gives every test a namespace of its own", async () => {
    expect(testNamespace()).not.toBe(testNamespace());
    expect(testRedisUrl()).toMatch(/^rediss?:\/\//);
  });

  it("loses a connection with the scope that opened it", async () => {
    const name = testNamespace();
    await using observer = await connectTestRedis();
    const connections = async () => String(await observer.client("LIST")).split(`name=${name} `).length - 1;
    {
      await using redis = await connectTestRedis({ connectionName: name });
      expect(await redis.ping()).toBe("PONG");
      expect(await connections()).toBe(1);
    }
    await waitFor(async () => (await connections()) === 0, { describe: "the connection's end" });
  });
});

describe("a Redis of a test's own", () => {
  it("writes every change to disk and never evicts, and takes more settings", async () => {
    await using server = await startLocalRedis(["--maxmemory", "5mb"]);
    await using redis = await connectTestRedis({}, server.url);
    expect(await redis.config("GET", "appendonly")).toContain("yes");
    expect(await redis.config("GET", "maxmemory-policy")).toContain("noeviction");
    expect(await redis.config("GET", "maxmemory")).toContain(String(5 * 1024 * 1024));
  });

  it("keeps its data and its address when it is killed and started again", async () => {
    await using server = await startLocalRedis(["--appendfsync", "always"]);
    await using redis = await connectTestRedis({}, server.url);
    await redis.set("kept", "yes");
    await server.stop();
    await server.start();
    await using again = await connectTestRedis({}, server.url);
    expect(await again.get("kept")).toBe("yes");
  });
});

describe("waitFor", () => {
  it("gives what the condition gives", async () => {
    let calls = 0;
    expect(await waitFor(() => ++calls === 3 && "third")).toBe("third");
  });

  it("says what there was instead when the time is over", async () => {
    const seen = ["a", "b"];
    const wait = waitFor(() => seen.length === 3, {
      timeoutMs: 1,
      describe: () => `three letters, not ${seen.join()}`,
    });
    await expect(wait).rejects.toThrow("Not within 1 ms: three letters, not a,b");
  });
});
