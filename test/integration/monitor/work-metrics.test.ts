import { setImmediate } from "node:timers/promises";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { DEAD_AFTER_MS } from "../../../src/admission/sweeper.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { packageVersion } from "../../../src/platform/package-root.ts";
import { createWorkCounters, type WorkCounters } from "../../../src/queue/work-counters.ts";
import { openWorkerReport, type WorkerReport } from "../../../src/queue/worker-report.ts";
import { readWork, readWorkers } from "../../../src/storage/worker-report.ts";
import { losingFirstReply, openNamespace } from "../../support/attempts.ts";
import { startSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startLocalRedis } from "../../support/redis-server.ts";
import { connectTestRedis } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openMonitor } from "./open-monitor.ts";
import { valueOf } from "./parse-metrics.ts";
import { scrape } from "./scrape.ts";

const ADAS_LANE = "openai~gpt-6-luna>grok~grok-4.3";
const ADAS = { lane: "openai/gpt-6-luna > grok/grok-4.3" };
const LUNA = { provider: "openai", model: "gpt-6-luna" };
const GROK = { provider: "grok", model: "grok-4.3" };

describe("what workers count", () => {
  it("is in /metrics when they have stopped: waits, runs, slots, calls that were not granted, fail-overs", async () => {
    await using openai = await startRecordedServer(
      recordedAnswer("openai/500-server-error.json"),
      recordedAnswer("openai/429-insufficient-quota.json"),
    );
    await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
    // Long enough that the retry is another run of the job.
    await using system = await startSystem({ openai, grok, settings: { retries: { baseSeconds: 1, capSeconds: 1 } } });
    await using monitor = await openMonitor(system);
    const worker = await system.startWorker();
    // A retry of OpenAI, then its key is paused: Grok takes over, and has the second job from the start.
    for (const id of ["a", "b"]) await system.run({ id, kind: "tweet", agent: "ada" });
    expect((await system.queued(ADAS_LANE, "a", "completed")).attemptsStarted).toBe(2);
    await worker.stop();

    const metrics = await scrape(monitor);
    expect(valueOf(metrics, "puppet_job_wait_seconds_count", ADAS), "a retry is no second wait").toBe(2);
    expect(valueOf(metrics, "puppet_job_wait_seconds_sum", ADAS)).toBeGreaterThan(0);
    expect(valueOf(metrics, "puppet_job_run_seconds_count", ADAS), "only runs that ended a job").toBe(2);
    expect(valueOf(metrics, "puppet_limiter_wait_seconds_count", LUNA)).toBe(2);
    expect(valueOf(metrics, "puppet_limiter_wait_seconds_count", GROK)).toBe(2);
    const quota = { ...LUNA, reason: "quota-exhausted" };
    expect(valueOf(metrics, "puppet_calls_not_admitted_total", quota)).toBe(1);
    expect(metrics.get("puppet_calls_not_admitted_total")?.samples).toHaveLength(1);
    const failOver = { from: "openai", to: "grok" };
    expect(valueOf(metrics, "puppet_fail_overs_total", failOver), "one of them without a call of OpenAI").toBe(2);
    expect(metrics.get("puppet_fail_overs_total")?.samples).toHaveLength(1);
  });

  it("adds up over workers, puts times into their buckets, and takes a clock that is behind for no wait", async () => {
    await using at = await openNamespace();
    const [first, second] = [counting(at.redis, at.namespace), counting(at.redis, at.namespace)];
    for (const ms of [-20, 100, 101, 700]) first.work.observe("jobRun", { lane: "x" }, ms);
    second.work.observe("jobRun", { lane: "x" }, 400_000);
    for (const { work } of [first, second]) work.count("stalled", { lane: "x" });
    for (const { report } of [first, second]) await report.close();
    expect(await readWork(at.redis, at.namespace)).toEqual([
      {
        metric: "jobRun",
        labels: { lane: "x" },
        sum: 400_901_000,
        buckets: buckets([0.1, 2], [0.25, 1], [1, 1], [Infinity, 1]),
      },
      { metric: "stalled", labels: { lane: "x" }, sum: 2, buckets: buckets() },
    ]);
    await using monitor = await openMonitor(at);
    const metrics = await scrape(monitor);
    const upTo = (le: string) => valueOf(metrics, "puppet_job_run_seconds_bucket", { lane: "x", le });
    expect(["0.1", "0.25", "0.5", "1", "300", "+Inf"].map(upTo)).toEqual([2, 3, 3, 4, 4, 5]);
    expect(valueOf(metrics, "puppet_job_run_seconds_sum", { lane: "x" })).toBe(400.901);
  });

  it("waits for a Redis that takes no writes, and is told with the next heartbeat", async () => {
    await using server = await startLocalRedis();
    await using redis = await connectTestRedis({}, server.url);
    const { work, report } = counting(redis, "full");
    await redis.config("SET", "maxmemory", "1");
    work.count("stalled", { lane: "x" });
    await report.tell();
    await report.tell();
    expect(await readWork(redis, "full")).toEqual([]);
    await redis.config("SET", "maxmemory", "0");
    work.count("stalled", { lane: "x" });
    await report.tell();
    expect(await readWork(redis, "full")).toMatchObject([{ metric: "stalled", sum: 2 }]);
    await report.tell();
    expect(await readWork(redis, "full"), "it is told once").toMatchObject([{ metric: "stalled", sum: 2 }]);
    await report.close();
  });

  it("is counted again when the reply was lost: these are no accounts", async () => {
    await using at = await openNamespace();
    const { work, report } = counting(losingFirstReply(at.redis), at.namespace);
    work.count("stalled", { lane: "x" });
    await report.tell();
    await report.close();
    expect(await readWork(at.redis, at.namespace)).toMatchObject([{ metric: "stalled", sum: 2 }]);
  });

  it("that Redis refuses for good is dropped, and the worker says so once", async () => {
    await using at = await openNamespace();
    const lines: string[] = [];
    const { work, report } = counting(at.redis, at.namespace, lines);
    await at.redis.hset(at.keys.metrics, "stalled|x|sum", "no number");
    work.count("stalled", { lane: "x" });
    await report.tell();
    await report.close();
    expect(lines.filter((line) => line.includes("refuses what this worker has counted"))).toHaveLength(1);
  });

  it("has room for 10,000 fields: what comes later is told as `other`", async () => {
    await using at = await openNamespace();
    const { work, report } = counting(at.redis, at.namespace);
    work.observe("slotWait", LUNA, 5);
    await report.tell();
    const filling = Array.from({ length: 9998 }, (_, index) => [`stalled|lane-${index}|sum`, 1]);
    await at.redis.hset(at.keys.metrics, Object.fromEntries(filling) as Record<string, number>);
    work.observe("slotWait", LUNA, 30);
    for (const provider of ["a", "b"]) work.observe("slotWait", { provider, model: "m" }, 5);
    await report.close();
    const slots = (await readWork(at.redis, at.namespace)).filter(({ metric }) => metric === "slotWait");
    const sums = slots.map(({ labels, sum }) => `${Object.values(labels).join("/")} ${sum}`);
    expect(sums.sort()).toEqual(["openai/gpt-6-luna 35000", "other/other 10000"]);
  });
});

describe("a worker tells of itself", () => {
  it("while it runs: the reader and /metrics have it, and nothing is left when it has stopped", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    const { redis, namespace, keys } = system;
    expect(await readWorkers(redis, namespace)).toEqual([]);
    const before = Date.now();
    const first = await system.startWorker({ concurrency: 7 });
    const second = await system.startWorker();
    const workers = await waitFor(async () => {
      const all = await readWorkers(redis, namespace);
      return all.every(({ lanes, redisLatencyMs }) => lanes > 0 && redisLatencyMs !== null) && all;
    });
    expect(workers.map(({ id }) => id)).toEqual([first.id, second.id]);
    const [status] = workers;
    expect(status).toMatchObject({ pid: process.pid, version: packageVersion(), concurrency: 7, jobsInWork: 0 });
    expect(status?.startedAt).toBeGreaterThanOrEqual(before);
    expect(status?.lanes, "both agents' lanes and the quarantine").toBe(3);
    expect(status?.residentBytes).toBeGreaterThan(1e6);
    const leftMs = await redis.pttl(keys.worker(first.id));
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(DEAD_AFTER_MS);

    const metrics = await scrape(monitor);
    const told = (name: string) => valueOf(metrics, `puppet_worker_${name}`, { worker: first.id });
    expect(told("info")).toBe(1);
    expect({ concurrency: told("concurrency"), jobs: told("jobs_in_work"), lanes: told("lanes") }).toEqual({
      ...{ concurrency: 7, jobs: 0, lanes: 3 },
    });
    expect(told("start_time_seconds")).toBe((status?.startedAt ?? 0) / 1000);
    expect(told("resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(told("event_loop_lag_seconds")).toBeGreaterThanOrEqual(0);
    expect(told("redis_latency_seconds")).toBeGreaterThan(0);

    await first.stop();
    expect((await readWorkers(redis, namespace)).map(({ id }) => id)).toEqual([second.id]);
    expect(await redis.exists(keys.worker(first.id))).toBe(0);
    expect((await scrape(monitor)).get("puppet_worker_info")?.samples).toHaveLength(1);
  });

  it("with its jobs in work and how late its event loop is; what it said before it was upgraded is passed over", async () => {
    await using at = await openNamespace();
    const { report } = counting(at.redis, at.namespace);
    await report.tell();
    await at.redis.zadd(at.keys.workers, 1, "w", 2, "old", 3, "dead");
    await at.redis.set(at.keys.worker("old"), '{"id":"old"}');
    const [idle] = await readWorkers(at.redis, at.namespace);
    expect(idle).toMatchObject({ id: "w", jobsInWork: 3, lanes: 2, redisLatencyMs: null });
    await waitFor(async () => {
      blockEventLoop(200);
      // Timers, and so the one that sees how late this was, have their turn before the second of them.
      await setImmediate();
      await setImmediate();
      await report.tell();
      const [busy] = await readWorkers(at.redis, at.namespace);
      return (busy?.eventLoopLagMs ?? 0) > 100;
    });
    await report.close();
    expect(await readWorkers(at.redis, at.namespace)).toEqual([]);
  });
});

interface Counting {
  readonly work: WorkCounters;
  readonly report: WorkerReport;
}

/** The part of a worker that tells. */
function counting(redis: Redis, namespace: string, lines: string[] = []): Counting {
  const work = createWorkCounters();
  const report = openWorkerReport({
    ...{ redis, namespace, work, clock: systemClock, countersMs: 60_000 },
    about: { id: "w", host: "host", pid: 1, version: "1.2.3", concurrency: 5 },
    lanes: { state: () => ({ jobsInWork: 3, lanes: 2 }) },
    logger: pino({ level: "warn" }, { write: (line) => void lines.push(line) }),
  });
  return { work, report };
}

function buckets(...entries: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(entries);
}

function blockEventLoop(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
