import { DelayedError, UnrecoverableError, WaitingError, type Job } from "bullmq";
import type { Admission } from "../admission/admission.ts";
import { readSnapshot } from "../admission/claims.ts";
import type { Agent } from "../agents/agent.ts";
import type { GenerationDependencies, RunInput, RunOutcome, StopReason } from "../generation/run.ts";
import { runGeneration } from "../generation/run-generation.ts";
import { JOB_KINDS, type GenerationJob } from "../job/generation-job.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import { isWriteRefusal, troubleOf } from "../platform/redis-trouble.ts";
import type { TellError } from "../platform/sampled-errors.ts";
import { scrub, scrubError } from "../platform/secrets.ts";
import { JOB_NAME, decodeJob, jobIdOf, queueJobId, queueOptions } from "./job-codec.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { BATCH, QUARANTINE } from "./lane.ts";
import { stopPausedLane } from "./operator-pauses.ts";

export interface ConsumerOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly admission: Admission;
  readonly generation: GenerationDependencies;
  /** To move jobs into quarantine. */
  readonly queues: LaneQueues;
  /** Takes a job for batch delivery. */
  readonly fileForBatch: (job: GenerationJob, agent: Agent) => Promise<void>;
  readonly logger: Logger;
  /** For what comes with every job while Redis is in trouble. */
  readonly tellTrouble: TellError;
}

/** What Bull Board shows of a finished job; the whole result is in its terminal record. */
export type QueueReturnValue =
  | (Pick<GenerationResult, "status"> & { readonly text?: string; readonly provider?: string; readonly model?: string })
  | { readonly status: "quarantined" | "filed" };

/** A failure that BullMQ retries after the back-off that was decided. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly afterMs: number;

  constructor(why: string, afterMs: number) {
    super(why);
    this.afterMs = afterMs;
  }
}

/** What the lane of a job wants to know while it runs. */
export interface LaneFollower extends Pick<RunInput, "onSlot"> {
  /** The job, and others like it, must come back later. */
  readonly onBlocked: () => void;
}

/** Handles jobs that BullMQ hands out, whatever lane they come from. */
export interface Consumer {
  process(job: Job, token: string | undefined, follower: LaneFollower): Promise<QueueReturnValue>;
  /** Stops the run of one job. */
  stop(jobId: string, reason: StopReason): void;
  /** How many jobs are in work. */
  running(): number;
  /** @returns how many runs were stopped */
  stopAll(reason: StopReason): number;
}

/** A job of a newer schema waits this long for a newer worker before it is looked at again. */
const NEWER_JOB_PAUSE_MS = 60_000;
/** A job that Redis refused a command for is tried again after this. */
const REDIS_PAUSE_MS = 5000;
/** Jobs that are held while others of their lane go on, or that this worker has no key for, are looked at again then. */
const HELD_PAUSE_MS = 5000;
const LONGEST_REASON = 300;
const CACHED_SNAPSHOTS = 10_000;

export function createConsumer(options: ConsumerOptions): Consumer {
  const running = new Map<string, AbortController>();
  const snapshots = new Map<string, Agent>();
  const process: Consumer["process"] = async (job, token, follower) => {
    const decoded = decodeJob(job.data);
    if (decoded.is === "newer") {
      const { version } = decoded;
      options.logger.warn(
        { jobId: jobIdOf(job.id ?? ""), version },
        "parked: its schema is newer than this worker; upgrade it",
      );
      return await delay(job, token, options.generation.clock.now() + NEWER_JOB_PAUSE_MS);
    }
    if (decoded.is === "invalid") return await refuse(job, decoded.reason, options);
    const onError = async (error: unknown): Promise<never> => await handleError(error, { job, token, options });
    const agent = await agentOf(decoded.job, snapshots, options).catch(onError);
    if (agent === null) return await refuse(job, `its agent snapshot ${decoded.job.snapshot} is gone`, options);
    if (job.queueName === BATCH.name) {
      await options.fileForBatch(decoded.job, agent).catch(onError);
      return { status: "filed" };
    }
    const stop = new AbortController();
    running.set(decoded.job.id, stop);
    try {
      const input = {
        job: decoded.job,
        agent,
        deliveries: job.attemptsMade,
        signal: stop.signal,
        lane: job.queueName,
        alone: job.queueName === QUARANTINE.name,
        onSlot: follower.onSlot,
      };
      const outcome = await runGeneration(input, options.generation).catch(onError);
      return await conclude(outcome, { job, token, decoded: decoded.job, follower, options });
    } finally {
      running.delete(decoded.job.id);
    }
  };
  return {
    // BullMQ keeps message and stack of whatever is thrown, and Bull Board shows them.
    process: async (...delivery) =>
      await process(...delivery).catch((error: unknown) => {
        throw scrubError(error);
      }),
    stop: (jobId, reason) => running.get(jobId)?.abort(reason),
    running: () => running.size,
    stopAll(reason) {
      for (const stop of running.values()) stop.abort(reason);
      return running.size;
    },
  };
}

interface Conclusion {
  readonly job: Job;
  readonly token: string | undefined;
  readonly decoded: GenerationJob;
  readonly follower: LaneFollower;
  readonly options: ConsumerOptions;
}

/** Maps what a run decided onto BullMQ. */
async function conclude(outcome: RunOutcome, conclusion: Conclusion): Promise<QueueReturnValue> {
  const { job, token, decoded, options } = conclusion;
  switch (outcome.outcome) {
    case "ended":
      return returnValue(outcome.record);
    case "retry":
      throw new RetryLater(outcome.why, outcome.afterMs);
    case "wait":
      await standStill(outcome, conclusion);
      return await delay(job, token, Math.ceil(outcome.untilAt));
    case "hold":
      await holdLane(conclusion);
      return await giveBack(job, token);
    case "give-back":
      return await giveBack(job, token);
    case "quarantine":
      options.logger.warn(
        { jobId: decoded.id, lane: job.queueName },
        "moved to quarantine: its worker died in mid-call",
      );
      await options.queues.get(QUARANTINE.name).add(JOB_NAME, decoded, queueOptions(decoded));
      return { status: "quarantined" };
  }
}

async function giveBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

/** No worker looks into the lane for this long when its whole chain is unavailable: a resume may come earlier. */
const LONGEST_STANDSTILL_MS = 10_000;
/** When a fall-back may be free, jobs that are more in a hurry must be looked for. */
const SHORT_STANDSTILL_MS = 500;

/** What one job was told its neighbours would be told as well: nobody takes them meanwhile, in any process. */
async function standStill(
  { untilAt, blocked }: RunOutcome & { outcome: "wait" },
  { job, follower, options }: Conclusion,
): Promise<void> {
  if (blocked === "no") return;
  follower.onBlocked();
  if (job.queueName === QUARANTINE.name) return;
  const longestMs = blocked === "all" ? LONGEST_STANDSTILL_MS : SHORT_STANDSTILL_MS;
  const forMs = Math.min(longestMs, Math.ceil(untilAt - options.generation.clock.now()));
  if (forMs > 0) await options.queues.get(job.queueName).rateLimit(forMs);
}

/** An operator's pause: the lane stands still in Bull Board, too, until `resume`; only this job, if others can go on. */
async function holdLane({ job, token, options }: Conclusion): Promise<void> {
  const isStopped = job.queueName !== QUARANTINE.name && (await stopPausedLane(job.queueName, options));
  if (!isStopped) await delay(job, token, options.generation.clock.now() + HELD_PAUSE_MS);
}

function returnValue(record: GenerationResult): QueueReturnValue {
  switch (record.status) {
    case "succeeded":
      return { status: record.status, text: record.text, provider: record.provider, model: record.model };
    case "failed":
    case "expired":
      // BullMQ's failed set is where operators look; the terminal record is written already.
      throw new UnrecoverableError(record.reason);
    case "cancelled":
    case "held":
      return { status: record.status };
  }
}

async function agentOf(
  job: GenerationJob,
  snapshots: Map<string, Agent>,
  { redis, namespace }: ConsumerOptions,
): Promise<Agent | null> {
  const known = snapshots.get(job.snapshot);
  if (known !== undefined) return known;
  const agent = await readSnapshot(redis, namespace, job.snapshot);
  if (agent === null) return null;
  if (snapshots.size >= CACHED_SNAPSHOTS) snapshots.delete(snapshots.keys().next().value ?? "");
  snapshots.set(job.snapshot, agent);
  return agent;
}

/** Without spending one of BullMQ's attempts. */
async function delay(job: Job, token: string | undefined, untilAt: number): Promise<never> {
  await job.moveToDelayed(untilAt, token);
  throw new DelayedError();
}

/**
 * Damaged data, or a defect of ours, would fail again every time: it ends the job. An error of Redis says nothing about
 * the job, which waits.
 */
async function handleError(
  error: unknown,
  { job, token, options }: Omit<Conclusion, "decoded" | "follower">,
): Promise<never> {
  const jobId = jobIdOf(job.id ?? "");
  if (isPassingRedisError(error) || (error instanceof Error && error.name === "ReplyError")) {
    const { kind, remedy } = troubleOf(error);
    const line = { jobId, lane: job.queueName, err: error, remedy };
    options.tellTrouble(`job ${kind}`, line, "Redis refuses a command; the job is tried again");
    // Nobody takes it before Redis can write. What cannot be moved now has lost its lock by then, and comes again.
    if (isWriteRefusal(error)) return await giveBack(job, token);
    return await delay(job, token, options.generation.clock.now() + REDIS_PAUSE_MS);
  }
  options.logger.error({ jobId, lane: job.queueName, err: error }, "unexpected error");
  const { name, message } = error instanceof Error ? error : { name: "error", message: typeof error };
  return await refuse(job, `unexpected ${name}: ${message}`.slice(0, LONGEST_REASON), options);
}

/** Ends a job that cannot run at all; it still gets its terminal record. */
async function refuse(job: Job, why: string, { admission, generation, logger }: ConsumerOptions): Promise<never> {
  const reason = scrub(why);
  const jobId = jobIdOf(job.id ?? "");
  logger.error({ jobId, lane: job.queueName }, reason);
  // Numbers of BullMQ's own (Bull Board's "Add job") are ids of somebody else's jobs here.
  if (job.id !== queueJobId(jobId)) throw new UnrecoverableError(reason);
  const data = job.data as { agentId?: unknown; input?: { kind?: unknown } } | null;
  const agentId = typeof data?.agentId === "string" ? data.agentId : "unknown";
  const kind = JOB_KINDS.find((known) => known === data?.input?.kind) ?? "content";
  const base = { id: jobId, agentId, kind, attempts: [], costMicroUsd: 0, finishedAt: generation.clock.now() } as const;
  const terminal = { status: "failed", ...base, reason } as const;
  await admission.settle({
    jobId,
    agentId,
    row: null,
    report: null,
    terminal,
    pause: null,
    deliveries: job.attemptsMade,
  });
  throw new UnrecoverableError(reason);
}
