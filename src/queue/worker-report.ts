import { monitorEventLoopDelay } from "node:perf_hooks";
import { controlKeys } from "../admission/keys.ts";
import { DEAD_AFTER_MS } from "../admission/sweeper.ts";
import { otherSeries } from "../job/work-metrics.ts";
import type { WorkerStatus } from "../job/worker-status.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { loadLuaScript, type Argument } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import type { LaneWorkers } from "./lane-workers.ts";
import type { Counted, WorkCounters } from "./work-counters.ts";

export interface WorkerReportOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** What does not change while it runs. */
  readonly about: Pick<WorkerStatus, "id" | "host" | "pid" | "version" | "concurrency">;
  readonly lanes: Pick<LaneWorkers, "state">;
  readonly work: WorkCounters;
  /** How long counters are kept after a worker has added to them. */
  readonly countersMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a worker tells of itself: how it is, and what it has counted. */
export interface WorkerReport {
  /** Part of every heartbeat. Never throws: what Redis does not take is told with the next one. */
  tell(): Promise<void>;
  /** Tells what was counted last, and takes the worker off. */
  close(): Promise<void>;
}

const addWork = loadLuaScript(new URL("./scripts/add-work.lua", import.meta.url));

/** About 700 KB: room for 200 lanes and as many models. */
const MOST_FIELDS = 10_000;
const LAG_RESOLUTION_MS = 10;
const NANO_PER_MS = 1e6;

export function openWorkerReport(options: WorkerReportOptions): WorkerReport {
  const { redis, namespace, about, clock, logger } = options;
  const keys = controlKeys(namespace);
  const delays = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delays.enable();
  const startedAt = clock.now();
  let redisLatencyMs: number | null = null;
  const tellStatus = async (): Promise<void> => {
    const { jobsInWork, lanes } = options.lanes.state();
    const residentBytes = process.memoryUsage.rss();
    const eventLoopLagMs = takeLag(delays);
    const status = { ...about, startedAt, jobsInWork, lanes, eventLoopLagMs, redisLatencyMs, residentBytes };
    const sentMs = clock.monotonicMs();
    await redis.set(keys.worker(about.id), JSON.stringify(status satisfies WorkerStatus), "PX", DEAD_AFTER_MS);
    redisLatencyMs = clock.monotonicMs() - sentMs;
  };
  const ignore = (error: unknown): void => logger.debug({ err: error }, "Redis does not take the worker's report");
  return {
    tell: async () => void (await Promise.all([tellStatus().catch(ignore), flush(options)])),
    async close() {
      delays.disable();
      await Promise.all([flush(options), redis.del(keys.worker(about.id)).catch(ignore)]);
    },
  };
}

/** The timer itself is meant to take its resolution; what is above that is lateness. */
function takeLag(delays: ReturnType<typeof monitorEventLoopDelay>): number {
  const lagMs = delays.count === 0 ? 0 : delays.percentile(99) / NANO_PER_MS - LAG_RESOLUTION_MS;
  delays.reset();
  return Math.max(0, lagMs);
}

/** Never throws. */
async function flush({ redis, namespace, work, countersMs, logger }: WorkerReportOptions): Promise<void> {
  const counted = work.take();
  if (counted.size === 0) return;
  try {
    await addWork.run(redis, [controlKeys(namespace).metrics], [MOST_FIELDS, countersMs, ...argumentsOf(counted)]);
  } catch (error) {
    // Anything else would be refused again for ever, and part of it may have been added.
    if (isPassingRedisError(error)) return work.giveBack(counted);
    logger.warn({ err: error }, "Redis refuses what this worker has counted for /metrics; it is dropped");
  }
}

function argumentsOf(counted: Counted): Argument[] {
  return [...counted].flatMap(([name, parts]) => [name, otherSeries(name), parts.size, ...[...parts].flat()]);
}
