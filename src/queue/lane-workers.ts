import { UnrecoverableError, type Job, type Telemetry, type Worker } from "bullmq";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { RetryLater, type Consumer, type QueueReturnValue } from "./consumer.ts";
import { LaneFetcher, LONGEST_BLOCK_SECONDS } from "./lane-fetcher.ts";
import { createLanePace, type LanePace } from "./lane-pace.ts";
import { laneShares } from "./lane-shares.ts";
import { QUARANTINE, isSpecialLane, lanePrefix, providersOf, readLanes } from "./lane.ts";
import { KEEP_COMPLETED, KEEP_FAILED } from "./tidy.ts";
import type { WorkCounters } from "./work-counters.ts";
import type { WriteGate } from "./write-gate.ts";

export interface LaneWorkersOptions {
  /** Ours, for looking up lanes. */
  readonly redis: RedisClient;
  /** BullMQ's. */
  readonly queueRedis: RedisClient;
  readonly namespace: string;
  /** Jobs in work in this process, over all lanes. */
  readonly concurrency: number;
  /** Serve only these; `null`: every lane, new ones within a second. */
  readonly lanes: readonly string[] | null;
  /** Whether this process can call a provider. Lanes without any such provider are left to other workers. */
  readonly isConfigured: (provider: string) => boolean;
  readonly consumer: Consumer;
  readonly gate: WriteGate;
  readonly work: WorkCounters;
  /** Makes spans of what is processed; `undefined`: none are made. */
  readonly telemetry?: Telemetry | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One BullMQ worker per lane, under one cap for the process. */
export interface LaneWorkers {
  start(): Promise<void>;
  /** How many jobs are in work, and how many lanes are served. */
  state(): { readonly jobsInWork: number; readonly lanes: number };
  /** Takes no more jobs and waits for those in work. */
  close(): Promise<void>;
}

const DISCOVERY_MS = 1000;
/** With these a dead worker's job runs again within lock + 2 × stalled check = 35 s. */
const LOCK_MS = 15_000;
const STALLED_CHECK_MS = 10_000;

export function createLaneWorkers(options: LaneWorkersOptions): LaneWorkers {
  const workers = new Map<string, LaneWorker>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const refused = new Set<string>();
  options.gate.onChange((isOpen) => {
    if (closed) return;
    for (const { worker } of workers.values()) void (isOpen ? worker.resume() : worker.pause(true));
  });
  const discover = async (): Promise<void> => {
    if (!options.gate.isOpen()) return;
    for (const lane of await lanesToServe(options, refused)) {
      if (!closed && !workers.has(lane))
        workers.set(
          lane,
          openLane(lane, options, () => shareOut(workers, options.concurrency)),
        );
    }
    shareOut(workers, options.concurrency);
  };
  const loop = (): void => {
    if (closed) return;
    timer = setTimeout(() => {
      // Redis may be away for a while; the next round asks again.
      discover()
        .catch((error: unknown) => options.logger.debug({ err: error }, "lanes could not be looked up"))
        .finally(loop);
    }, DISCOVERY_MS);
  };
  return {
    async start() {
      await discover();
      loop();
    },
    state: () => ({
      jobsInWork: [...workers.values()].reduce((sum, { pace }) => sum + pace.inWork, 0),
      lanes: workers.size,
    }),
    async close() {
      closed = true;
      clearTimeout(timer);
      await Promise.all([...workers.values()].map(({ worker }) => worker.close()));
    },
  };
}

/** @param refused lanes that were reported as not served; reported once each */
async function lanesToServe(
  { redis, namespace, lanes, isConfigured, logger }: LaneWorkersOptions,
  refused: Set<string>,
): Promise<string[]> {
  const served = (await readLanes(redis, namespace)).filter(({ name, chain }) => {
    if (isSpecialLane(name)) return true;
    if (lanes !== null && !lanes.includes(name)) return false;
    if (providersOf(chain).some(isConfigured)) return true;
    if (!refused.has(name))
      logger.warn({ lane: name }, "lane not served: this worker has a key for none of its providers");
    refused.add(name);
    return false;
  });
  return served.map(({ name }) => name);
}

interface LaneWorker {
  readonly worker: Worker;
  readonly pace: LanePace;
}

/** @param onChange called when a job starts or ends */
function openLane(lane: string, options: LaneWorkersOptions, onChange: () => void): LaneWorker {
  const { consumer, queueRedis, namespace, work, telemetry, clock, logger } = options;
  logger.debug({ lane }, "serving lane");
  const pace = createLanePace(() => clock.monotonicMs());
  const process = async (job: Job, token: string | undefined): ReturnType<Consumer["process"]> => {
    pace.started();
    onChange();
    const follow = pace.follow();
    const onSlot: typeof follow = (event) => {
      follow(event);
      onChange();
    };
    const onBlocked = (): void => pace.blocked();
    try {
      return await timed(job, options, () => consumer.process(job, token, { onSlot, onBlocked }));
    } finally {
      pace.ended();
      onChange();
    }
  };
  const worker = new LaneFetcher(lane, process, {
    connection: queueRedis,
    prefix: lanePrefix(namespace, lane),
    ...(telemetry === undefined ? {} : { telemetry }),
    concurrency: 1,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // Crashes are counted by the ledger; BullMQ's count would fail innocent jobs.
    maxStalledCount: 1_000_000,
    // Waits after a lost connection; the default is 15 s.
    runRetryDelay: 1000,
    drainDelay: LONGEST_BLOCK_SECONDS,
    // Only workers with a limiter see pauses of their queue, and the delay is how late they notice its end.
    limiter: { max: 1_000_000, duration: 1000 },
    maximumRateLimitDelay: 1000,
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
    settings: {
      backoffStrategy: (_attempts, _type, error) => (error instanceof RetryLater ? Math.ceil(error.afterMs) : 0),
    },
  });
  worker.on("error", (error) => logger.debug({ lane, err: error.message }, "queue error"));
  worker.on("stalled", (jobId) => {
    work.count("stalled", { lane });
    logger.warn({ lane, jobId }, "stalled: its worker lost the lock; it runs again");
  });
  return { worker, pace };
}

/** Measures how long a job has waited in its lane, and how long the run takes that ends it. */
async function timed(
  job: Job,
  { work, clock }: Pick<LaneWorkersOptions, "work" | "clock">,
  run: () => Promise<QueueReturnValue>,
): Promise<QueueReturnValue> {
  const lane = job.queueName;
  if (job.attemptsStarted === 1) work.observe("jobWait", { lane }, clock.now() - job.timestamp);
  const takenMs = clock.monotonicMs();
  const ended = (): void => work.observe("jobRun", { lane }, clock.monotonicMs() - takenMs);
  try {
    const value = await run();
    ended();
    return value;
  } catch (error) {
    // What else is thrown brings the job back later.
    if (error instanceof UnrecoverableError) ended();
    throw error;
  }
}

/** What runs alone in quarantine runs whatever the others do, and takes its place among them. */
function shareOut(workers: ReadonlyMap<string, LaneWorker>, concurrency: number): void {
  const cap = Math.max(1, concurrency - (workers.get(QUARANTINE.name)?.pace.inWork ?? 0));
  const lanes = [...workers].filter(([lane]) => lane !== QUARANTINE.name).map(([, laneWorker]) => laneWorker);
  const demands = lanes.map(({ pace }) => pace);
  for (const [index, share] of laneShares(demands, cap).entries()) {
    const lane = lanes[index];
    if (lane !== undefined) lane.worker.concurrency = share;
  }
}
