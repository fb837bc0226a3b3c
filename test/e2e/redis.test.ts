import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { freePort } from "../support/free-port.ts";
import { startLocalRedis } from "../support/redis-server.ts";

const PASSWORD = "hunter2-is-a-secret";

it.concurrent.each([
  ["enqueue", ["enqueue", "tweet", "--agent", "ada"]],
  ["bulk", ["bulk", "topics.csv", "--out", "out.jsonl"]],
  ["result", ["result", "a"]],
  ["result --wait", ["result", "a", "--wait"]],
  ["cancel", ["cancel", "a"]],
  ["usage", ["usage"]],
  ["worker", ["worker", "--fake"]],
])("Redis down: %s says so and what to start, hides the password, and ends with 5", async (_, args) => {
  // Port 1 is reserved; nobody listens there.
  const env = { REDIS_URL: `redis://someone:${PASSWORD}@127.0.0.1:1` };
  await using cli = await openCliSession({ env, secrets: [PASSWORD, "someone"] });
  await cli.write("topics.csv", "id,agent,topic\na,ada,tea\n");
  const { code, stdout, stderr } = await cli.run(...args);
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  expect(stderr).toContain(
    "error: Redis at redis://***@127.0.0.1:1 is not available: no connection. Start it, or correct REDIS_URL.",
  );
});

it("a worker and monitor whose Redis has gone away end when they are asked to, after a last look", async () => {
  await using server = await startLocalRedis();
  await using session = await openCliSession({
    env: { REDIS_URL: server.url, MONITOR_PORT: String(await freePort()) },
  });
  await using program = session.start("start", "--fake");
  await program.waitForOutput(/monitor at /);
  await server.stop();
  program.signal("SIGTERM");
  expect(await program.ended).toMatchObject({ code: 0, signal: null });
});

it("a password that is wrong, and one that is missing: 5, and which it is", async () => {
  await using redis = await startLocalRedis();
  const admin = new Redis(redis.url);
  await admin.config("SET", "requirepass", PASSWORD);
  admin.disconnect();
  const { host } = new URL(redis.url);
  for (const credentials of [":not-the-password@", "nobody:not-the-password@", ""]) {
    const env = { REDIS_URL: `redis://${credentials}${host}` };
    await using cli = await openCliSession({ env, secrets: [PASSWORD, "not-the-password"] });
    const { code, stdout, stderr } = await cli.run("usage");
    expect({ credentials, code, stdout }).toEqual({ credentials, code: 5, stdout: "" });
    expect(stderr).toContain("it refuses the user or password in REDIS_URL.");
  }
  await using cli = await openCliSession({ env: { REDIS_URL: `redis://:${PASSWORD}@${host}` }, secrets: [PASSWORD] });
  expect(await cli.run("usage")).toMatchObject({ code: 0 });
}, 60_000);

it("a Redis that forgets or drops jobs is used, with a loud warning", async () => {
  await using redis = await startLocalRedis(["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
  await using cli = await openCliSession({ env: { REDIS_URL: redis.url } });
  const { code, stderr } = await cli.run("usage");
  expect(code).toBe(0);
  expect(stderr).toMatch(/^warning: .*maxmemory-policy is allkeys-lru; set it to noeviction$/m);
  expect(stderr).toMatch(/^warning: .*append-only file is off; set appendonly yes$/m);
});

it("without REDIS_URL a Redis of our own keeps what was enqueued, from one command to the next", async () => {
  await using cli = await openCliSession({ env: { REDIS_URL: "", PUPPET_ENGINE_DATA: "data" } });
  const tweet = ["enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", "a"];
  expect(await cli.run(...tweet, "--worker")).toMatchObject({ code: 0 });
  const result = await cli.run("result", "a");
  expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) as string });
  expect(await cli.run(...tweet)).toMatchObject({ stdout: expect.stringMatching(/^a already-finished /) as string });
}, 60_000);
