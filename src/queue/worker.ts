import type { EpochWatch } from "../admission/epoch-watch.ts";
import { controlKeys } from "../admission/keys.ts";
import { heartbeat, signOff, sweep, type SweeperOptions } from "../admission/sweeper.ts";
import type { Logger } from "../platform/logger.ts";
import { within } from "../platform/clock.ts";
import { openSubscriber, type RedisClient } from "../platform/redis-client.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import type { Consumer } from "./consumer.ts";
import type { LaneWorkers } from "./lane-workers.ts";
import type { WorkerReport } from "./worker-report.ts";

export interface WorkerOptions {
  readonly redis: RedisClient;
  readonly workerId: string;
  readonly consumer: Consumer;
  readonly laneWorkers: LaneWorkers;
  readonly watch: EpochWatch;
  readonly sweeper: SweeperOptions;
  readonly report: WorkerReport;
  /** Drops what has become old; called now and then. */
  readonly tidy: () => Promise<void>;
  readonly logger: Logger;
  /** Ends retries of Redis commands; used when stopping takes too long. */
  readonly giveUp: AbortController;
  /** Closes connections, those last that wait for a Redis that is gone. */
  readonly disconnect: () => Promise<void>;
}

export interface StopOptions {
  /** Calls in flight may take this long before they are aborted; default 30,000. */
  readonly graceMs?: number;
  /** Aborts calls at once. */
  readonly force?: AbortSignal;
}

/** A running worker: takes jobs from its lanes until it is stopped. */
export interface GenerationWorker {
  readonly id: string;
  /**
   * Takes no more jobs, waits for calls in flight, aborts them after the grace and gives their jobs back.
   * @returns how many calls were aborted
   */
  stop(options?: StopOptions): Promise<{ readonly aborted: number }>;
  [Symbol.asyncDispose](): Promise<void>;
}

const HEARTBEAT_MS = 2000;
/** What is kept is kept for days: looking after it every ten minutes is plenty. */
const BEATS_PER_TIDY = 300;
const DEFAULT_GRACE_MS = 30_000;
/** After an abort jobs are back in their lanes within milliseconds, unless Redis is gone. */
const GIVE_BACK_MS = 5000;

/** Redis answers within milliseconds, or not at all. */
const LONGEST_GOODBYE_MS = 2000;

export async function startGenerationWorker(options: WorkerOptions): Promise<GenerationWorker> {
  const { consumer, laneWorkers, workerId } = options;
  const subscriber = await listen(options);
  const stopHeartbeat = await startHeartbeat(options);
  await laneWorkers.start();
  let stopping: Promise<{ aborted: number }> | undefined;
  const stop = async ({ graceMs = DEFAULT_GRACE_MS, force }: StopOptions = {}): Promise<{ aborted: number }> => {
    const drained = laneWorkers.close().then(() => "drained" as const);
    const first = await Promise.race([drained, after(graceMs, force), idleWithoutRedis(options)]);
    const aborted = first === "drained" ? 0 : consumer.stopAll("shutdown");
    const isDrained =
      first === "drained" || (aborted > 0 && (await Promise.race([drained, after(GIVE_BACK_MS)])) === "drained");
    if (!isDrained) options.giveUp.abort();
    if (!isDrained && consumer.running() > 0)
      options.logger.error(
        { jobs: consumer.running() },
        "stopped with jobs whose end Redis did not take: their calls are accounted for as orphans, and they run again",
      );
    stopHeartbeat();
    subscriber.disconnect();
    // What is not signed off is swept by another worker; a Redis that is gone hears of neither.
    const goodbye = Promise.all([options.report.close(), signOff(options.sweeper).catch(() => undefined)]);
    await within(LONGEST_GOODBYE_MS, goodbye);
    await options.disconnect();
    return { aborted };
  };
  return {
    id: workerId,
    stop: async (stopOptions) => await (stopping ??= stop(stopOptions)),
    async [Symbol.asyncDispose]() {
      await (stopping ??= stop());
    },
  };
}

async function after(ms: number, signal?: AbortSignal): Promise<"time-out"> {
  return await new Promise((resolve) => {
    if (signal?.aborted === true) return resolve("time-out");
    const timer = setTimeout(() => resolve("time-out"), ms).unref();
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve("time-out")), { once: true });
  });
}

/** Nothing is in work, and the queues wait for a Redis that is gone: there is nothing to wait for. */
async function idleWithoutRedis({ consumer, redis }: WorkerOptions): Promise<"time-out"> {
  do await after(LONGEST_GOODBYE_MS);
  while (consumer.running() > 0 || redis.status === "ready" || redis.status === "end");
  return "time-out";
}

/**
 * Calls in flight are aborted when somebody cancels their job, in whatever process they run; whoever waits for a slot
 * that does not hold any more asks again.
 */
async function listen({ redis, consumer, watch, sweeper }: WorkerOptions): Promise<RedisClient> {
  const { cancelledChannel, epochsChannel } = controlKeys(sweeper.namespace);
  const subscriber = openSubscriber(redis);
  subscriber.on("message", (channel, message: string) => {
    if (channel === epochsChannel) watch.onMessage(message);
    else consumer.stop(message, "cancelled");
  });
  await subscriber.subscribe(cancelledChannel, epochsChannel);
  return subscriber;
}

/** Keeps saying that this worker lives, and sweeps up after those that do not. */
async function startHeartbeat({ sweeper, report, tidy, logger }: WorkerOptions): Promise<() => void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let beats = 0;
  const beat = async (): Promise<void> => {
    const [dead] = await Promise.all([heartbeat(sweeper), report.tell()]);
    if (dead.length > 0) await sweep(dead, sweeper);
    if (beats++ % BEATS_PER_TIDY === 0) await tidy();
  };
  const loop = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      beat()
        .catch((error: unknown) => logger.debug({ err: error }, "heartbeat failed"))
        .finally(loop);
    }, HEARTBEAT_MS);
  };
  // A Redis that does not take writes now may do so soon; until then no job can be admitted either.
  await beat().catch((error: unknown) => {
    if (!isPassingRedisError(error)) throw error;
    logger.error({ err: error }, "Redis does not take our commands; trying on");
  });
  loop();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
