import { rm } from "node:fs/promises";
import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { heartbeat } from "../../../src/admission/sweeper.ts";
import type { Readiness } from "../../../src/monitor/readiness.ts";
import { startSystem } from "../../support/generation-system.ts";
import { startLocalRedis, type LocalRedis } from "../../support/redis-server.ts";
import { connectTestRedis, testNamespace } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openMonitor, type TestMonitor } from "./open-monitor.ts";

const NO_WORKER = "no worker is running; start one with `puppet-engine worker`";

describe("/readyz", () => {
  it("says 200 with a worker, and 503 and why when it has gone", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    expect(await readiness(monitor)).toEqual({ status: 503, ready: false, problems: [NO_WORKER], workers: 0 });
    const worker = await system.startWorker();
    await system.startWorker();
    expect(await readiness(monitor)).toEqual({ status: 200, ready: true, problems: [], workers: 2 });
    await worker.stop();
    expect(await readiness(monitor)).toMatchObject({ status: 200, workers: 1 });
  });

  it("says that Redis is down, whether it was from the beginning or goes later, and recovers", async () => {
    await using server = await startLocalRedis();
    await server.stop();
    await using monitor = await openMonitor({ namespace: testNamespace(), redisUrl: server.url });
    const down = "Redis cannot be reached: no connection; start it, or correct REDIS_URL";
    expect(await readiness(monitor)).toEqual({ status: 503, ready: false, problems: [down], workers: 0 });
    await server.start();
    await waitFor(async () => (await readiness(monitor)).problems[0] === NO_WORKER, {
      describe: "Redis is seen again",
    });
    await server.stop();
    expect(await readiness(monitor)).toMatchObject({ status: 503, problems: [down] });
    expect((await monitor.send("/healthz")).text).toBe('{"live":true}');
    expect((await monitor.send("/board")).status, "the page itself needs no Redis").toBe(200);
    for (const path of ["/metrics", "/board/api/queues"]) {
      const { status, text } = await monitor.send(path);
      expect({ path, status, told: text.includes(down) }).toEqual({
        path,
        status: 503,
        told: true,
      });
    }
  });

  it("says that Redis does not answer, and /healthz stays 200", async () => {
    await using server = await startLocalRedis();
    await using monitor = await openMonitor({ namespace: testNamespace(), redisUrl: server.url });
    expect(await readiness(monitor)).toMatchObject({ problems: [NO_WORKER] });
    server.signal("SIGSTOP");
    try {
      expect((await monitor.send("/healthz")).status).toBe(200);
      expect(await readiness(monitor)).toMatchObject({
        status: 503,
        problems: ["Redis cannot be reached: no answer within 3 s; look whether it runs and what it is busy with"],
      });
    } finally {
      server.signal("SIGCONT");
    }
    await waitFor(async () => (await readiness(monitor)).problems[0] === NO_WORKER, {
      describe: "Redis is seen again",
    });
  });

  it("says that Redis is still loading its data", async () => {
    // Loads 25 keys at 200 ms each, and answers in between.
    const slow = ["--key-load-delay", "200000", "--loading-process-events-interval-bytes", "1024"];
    await using server = await startLocalRedis(["--appendfsync", "always", ...slow]);
    await using redis = await connectTestRedis({}, server.url);
    for (let key = 0; key < 25; key++) await redis.set(`key-${key}`, "x".repeat(2000));
    await server.stop();
    const started = server.start();
    await using monitor = await openMonitor({ namespace: testNamespace(), redisUrl: server.url });
    const loading = "Redis is not ready: it is loading its data; wait, or look at its log";
    const seen = new Set<string | undefined>();
    while (!seen.has(NO_WORKER)) seen.add((await readiness(monitor)).problems[0]);
    expect([...seen]).toContain(loading);
    await started;
  });

  it("says that Redis refuses the password, and does not show it", async () => {
    await using server = await startLocalRedis();
    await using redis = await connectTestRedis({}, server.url);
    await redis.config("SET", "requirepass", "right-password");
    const redisUrl = server.url.replace("redis://", "redis://:wrong-password@");
    await using monitor = await openMonitor({ namespace: testNamespace(), redisUrl });
    const { status, problems } = await readiness(monitor);
    expect({ status, problems }).toEqual({
      status: 503,
      problems: ["Redis refuses the user or password in REDIS_URL; correct them"],
    });
  });
});

describe("/readyz with a worker, and with a Redis that", () => {
  it("has no append-only file", async () => {
    await using server = await startLocalRedis(["--appendonly", "no"]);
    expect(await problemsOf(server)).toEqual([
      "Redis forgets accepted jobs when it crashes: its append-only file is off; set appendonly yes",
    ]);
  });

  it("may evict keys", async () => {
    await using server = await startLocalRedis(["--maxmemory-policy", "allkeys-lru"]);
    expect(await problemsOf(server)).toEqual([
      "Redis may drop jobs when its memory is full: maxmemory-policy is allkeys-lru; set it to noeviction",
    ]);
  });

  it("is full", async () => {
    await using server = await startLocalRedis();
    const problems = await problemsOf(server, async (redis) => {
      await redis.config("SET", "maxmemory", "1");
    });
    expect(problems).toEqual([
      expect.stringMatching(/^Redis refuses to write: OOM .*; raise its maxmemory, or keep results .*\(retention\)$/),
    ]);
  });

  it("is a read-only replica", async () => {
    await using server = await startLocalRedis();
    const problems = await problemsOf(server, async (redis) => {
      // Its primary is away: nobody listens on port 1.
      await redis.replicaof("127.0.0.1", 1);
    });
    expect(problems).toEqual([
      "Redis refuses to write: READONLY You can't write against a read only replica; it is a replica: point REDIS_URL to the primary",
    ]);
  });

  it("cannot save its data, with everything else that is wrong", async () => {
    await using server = await startLocalRedis(["--appendonly", "no", "--maxmemory-policy", "volatile-ttl"]);
    const problems = await problemsOf(server, async (redis) => {
      // A Redis that is to save snapshots refuses writes once one has failed.
      await redis.config("SET", "save", "3600 1");
      const [, folder] = (await redis.config("GET", "dir")) as [string, string];
      await rm(folder, { recursive: true });
      await redis.bgsave();
      await waitFor(async () => (await redis.info("persistence")).includes("rdb_last_bgsave_status:err"));
    });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain("maxmemory-policy is volatile-ttl");
    expect(problems[1]).toContain("append-only file is off");
    expect(problems[2]).toMatch(
      /^Redis refuses to write: MISCONF .*; it cannot write its data to disk: look at its log/,
    );
  });
});

async function readiness(monitor: TestMonitor): Promise<Readiness & { status: number }> {
  const { status, text } = await monitor.send("/readyz");
  return { status, ...(JSON.parse(text) as Readiness) };
}

/** What /readyz has against a Redis of which one worker has just said that it lives. */
async function problemsOf(server: LocalRedis, change?: (redis: Redis) => Promise<void>): Promise<readonly string[]> {
  const namespace = testNamespace();
  await using redis = await connectTestRedis({}, server.url);
  await heartbeat({ redis, namespace, workerId: "worker-1" });
  await change?.(redis);
  await using monitor = await openMonitor({ namespace, redisUrl: server.url });
  const { status, ready, problems, workers } = await readiness(monitor);
  expect({ status, ready, workers }).toEqual({ status: 503, ready: false, workers: 1 });
  return problems;
}
