import { randomUUID } from "node:crypto";
import type { Telemetry } from "bullmq";
import { cancelJob, type CancelManner, type CancelReply } from "../admission/claims.ts";
import { storeFeedback } from "../admission/feedback.ts";
import type { Agent } from "../agents/agent.ts";
import { checkScore, type FeedbackReply } from "../job/feedback.ts";
import type { JobInput } from "../job/generation-job.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { FollowEvent } from "../job/partial-text.ts";
import type { PurgeOptions, PurgeReport } from "../job/purge.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { withRedis, type RedisAddress } from "../platform/redis.ts";
import { followJob } from "../storage/follow-job.ts";
import { createRunBook, type RunBook } from "../storage/run-book.ts";
import { createResultReader, type ResultReader } from "../storage/result-reader.ts";
import { enqueueBatch, type BatchOutcome, type EnqueuedJob } from "./enqueue-batch.ts";
import type { Schedule } from "../schedules/schedule.ts";
import type { purgeAgent } from "../purge/purge-agent.ts";
import { createLaneQueues, type LaneQueues } from "./lane-queues.ts";
import { createScheduleBook, type Schedules } from "./schedule-book.ts";

export type { BatchOutcome } from "./enqueue-batch.ts";

export interface ProducerOptions {
  readonly redis: RedisClient;
  /** BullMQ's connection: without auto-pipelining, which slows bulk adds down. */
  readonly queueRedis: RedisClient;
  /** For error messages. */
  readonly address: RedisAddress;
  readonly namespace: string;
  /** By id. Jobs run a snapshot of the agent as it is here now. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** When these agents post by themselves, for `schedules.sync`; default: never. */
  readonly schedules?: ReadonlyMap<string, Schedule> | undefined;
  /** For `content` jobs that name no agent. */
  readonly defaultAgent: Agent;
  /** Makes spans of what is enqueued; default: none are made. */
  readonly telemetry?: Telemetry | undefined;
  readonly clock: Clock;
  /** How long results are kept; default 7 days. */
  readonly resultsMs: number;
  /** How long daily counters are kept; default 400 days. */
  readonly countersMs: number;
  readonly purgeAgent: typeof purgeAgent;
}

export interface EnqueueManyOptions {
  /** Jobs per round trip, at most; default 1,000. */
  readonly batchSize?: number;
  /** The bulk run that the jobs belong to. */
  readonly run?: string;
  /** Jobs that have failed or expired are run again, under the same ids. Default: false. */
  readonly retryFailed?: boolean;
  /** Called for every input in order of batches: accepted, or refused with the reason. `index` counts inputs from 0. */
  readonly onOutcome?: (index: number, outcome: BatchOutcome) => void;
}

export interface EnqueueSummary {
  readonly enqueued: number;
  readonly alreadyEnqueued: number;
  readonly alreadyFinished: number;
  /** Invalid or conflicting inputs; `onOutcome` tells each one's reason. */
  readonly refused: number;
}

export interface Producer {
  /**
   * Enqueues one job. An `id` makes it idempotent; without one a random id is given.
   * @throws InvalidInputError naming every problem
   * @throws JobConflictError the id belongs to a job with another payload
   * @throws RedisUnavailableError
   */
  enqueue(input: JobInput): Promise<EnqueuedJob>;
  /** Enqueues any number of jobs with bounded memory. Inputs that are refused do not hold the others up. */
  enqueueMany(
    inputs: AsyncIterable<JobInput> | Iterable<JobInput>,
    options?: EnqueueManyOptions,
  ): Promise<EnqueueSummary>;
  /**
   * The job's result; `null` when it has none yet. `waitMs` waits that long for it (`Infinity`: until it comes), `signal`
   * ends the wait early, as does disposing the producer.
   */
  result(
    id: string,
    options?: { readonly waitMs?: number; readonly signal?: AbortSignal },
  ): Promise<GenerationResult | null>;
  /**
   * The text of a job while it is written, where its agent has `stream`, and at last its result. Every text is the whole
   * one so far; who takes them slowly gets the newest only. A new `attempt` (a retry, a fail-over) starts anew. Ends after
   * the result, or without it when `signal` fires or the producer is disposed. An unknown id is waited for, as `result`
   * does: the job may still come. So is a Redis that is away; one that does not let us in: the iterator throws
   * RedisUnavailableError.
   */
  follow(id: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<FollowEvent>;
  /**
   * `cancelled`: it will not run. `cancelling`: a worker is at it and was told to stop. `settled`: it was finished
   * already. `unknown`: there is no such job. `calling`: a worker is at it, and `sparesCalls` leaves it alone.
   */
  cancel(id: string, manner?: CancelManner): Promise<CancelReply>;
  /**
   * Says how good the job's text was: 0 (bad) to 1 (good), kept to the thousandth. A job has one score: a second one
   * replaces the first, in its provider's, model's and agent's mean as well; the same once more changes nothing.
   * @throws InvalidInputError when it is no such number
   * @throws RedisUnavailableError
   */
  feedback(id: string, score: number): Promise<FeedbackReply>;
  /**
   * Removes everything that an agent was asked and has written, and its schedule; jobs that have not ended are cancelled.
   * Usage, counters, budgets and what results say of status, cost and attempts stay. Run it again as long as it reports
   * something `underWay`, and after an error: it does what is left.
   * @throws InvalidInputError when that is no id of an agent
   * @throws RedisUnavailableError
   */
  purge(agentId: string, options?: PurgeOptions): Promise<PurgeReport>;
  /** Bulk runs: how far they are, and what is to become of them. Jobs belong to one by `EnqueueManyOptions.run`. */
  readonly runs: RunBook;
  /** The agents that post by themselves. */
  readonly schedules: Schedules;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_BATCH = 1000;
/** The first batch is small, and each twice as large as the one before: workers begin while the rest is prepared. */
const FIRST_BATCH = 32;
/** Batches under way at once: the next is prepared while Redis takes one. */
const BATCHES_IN_FLIGHT = 2;

export function createQueueProducer(options: ProducerOptions): Producer {
  const { redis, namespace, clock, resultsMs, countersMs } = options;
  const queues = createLaneQueues(options.queueRedis, namespace, options.telemetry);
  const results = createResultReader(redis, namespace);
  const context = { ...options, queues, storedSnapshots: new Map<string, number>(), newId: randomUUID };
  const guarded: Guard = async (commands) => await withRedis(options.address, commands);
  const guardedReader: Pick<ResultReader, "wait" | "hearTexts"> = {
    wait: async (...wait) => await guarded(() => results.wait(...wait)),
    hearTexts: async (...hear) => await guarded(() => results.hearTexts(...hear)),
  };
  return {
    async enqueue(input) {
      const [outcome] = await guarded(() => enqueueBatch([input], { ...context, defaultUrgency: "scheduled" }));
      if (outcome?.accepted !== true) throw outcome?.error ?? new Error("nothing was enqueued");
      return outcome.job;
    },
    async enqueueMany(inputs, many = {}) {
      return await guarded(() =>
        enqueueInBatches(inputs, many, (batch) =>
          enqueueBatch(batch, { ...context, defaultUrgency: "bulk", run: many.run, retryFailed: many.retryFailed }),
        ),
      );
    },
    result: async (id, wait = {}) => await guarded(() => readOrWait(results, id, wait)),
    follow: (id, { signal } = {}) => followJob(guardedReader, id, signal),
    cancel: async (id, manner = {}) =>
      await guarded(() =>
        cancelJob(redis, namespace, { ...manner, jobId: id, resultsMs, countersMs, now: clock.now() }),
      ),
    async feedback(id, given) {
      const score = checkScore(given);
      return await guarded(() => storeFeedback(redis, namespace, { id, score, countersMs }));
    },
    purge: async (agentId, how) => {
      const kept = { resultsMs, countersMs };
      return await guarded(() =>
        options.purgeAgent({ redis, namespace, queues, agentId, now: clock.now(), ...kept }, how),
      );
    },
    runs: guardedBook(createRunBook(redis, namespace, clock), guarded),
    schedules: guardSchedules(
      createScheduleBook({ ...options, schedules: options.schedules ?? new Map(), results }),
      guarded,
    ),
    [Symbol.asyncDispose]: async () => await close(queues, results, options),
  };
}

type Guard = <T>(commands: () => Promise<T>) => Promise<T>;

function guardedBook(book: RunBook, guarded: Guard): RunBook {
  return {
    begin: async (manifest) => await guarded(() => book.begin(manifest)),
    read: async (id) => await guarded(() => book.read(id)),
    list: async () => await guarded(() => book.list()),
    setState: async (id, state) => await guarded(() => book.setState(id, state)),
    beat: async (id, cursor) => await guarded(() => book.beat(id, cursor)),
    leave: async (id) => await guarded(() => book.leave(id)),
    cursor: async (id) => await guarded(() => book.cursor(id)),
    forget: async (jobIds) => await guarded(() => book.forget(jobIds)),
  };
}

function guardSchedules({ sync, list, remove }: Schedules, guarded: Guard): Schedules {
  return {
    sync: async (how) => await guarded(() => sync(how)),
    list: async (how) => await guarded(() => list(how)),
    remove: async (agentId) => await guarded(() => remove(agentId)),
  };
}

async function readOrWait(
  results: ResultReader,
  id: string,
  { waitMs = 0, signal }: { waitMs?: number; signal?: AbortSignal },
): Promise<GenerationResult | null> {
  if (waitMs <= 0) return await results.read(id);
  const limits = [
    ...(signal === undefined ? [] : [signal]),
    ...(waitMs === Infinity ? [] : [AbortSignal.timeout(waitMs)]),
  ];
  return await results.wait(id, limits.length === 1 ? (limits[0] as AbortSignal) : AbortSignal.any(limits));
}

async function close(queues: LaneQueues, results: ResultReader, { redis, queueRedis }: ProducerOptions): Promise<void> {
  results.close();
  await queues.close();
  redis.disconnect();
  queueRedis.disconnect();
}

type SendBatch = (inputs: readonly JobInput[]) => Promise<BatchOutcome[]>;

async function enqueueInBatches(
  inputs: AsyncIterable<JobInput> | Iterable<JobInput>,
  { batchSize = DEFAULT_BATCH, onOutcome }: EnqueueManyOptions,
  send: SendBatch,
): Promise<EnqueueSummary> {
  const counts = { enqueued: 0, alreadyEnqueued: 0, alreadyFinished: 0, refused: 0 };
  const inFlight: Promise<void>[] = [];
  let next = 0;
  const start = async (batch: readonly JobInput[]): Promise<void> => {
    const first = next;
    next += batch.length;
    const outcomes = await send(batch);
    outcomes.forEach((outcome, index) => {
      count(counts, outcome);
      onOutcome?.(first + index, outcome);
    });
  };
  for await (const batch of batches(inputs, batchSize)) {
    if (inFlight.length >= BATCHES_IN_FLIGHT) await inFlight.shift();
    const sent = start(batch);
    // Awaited above or below; until then a failure must not count as unhandled.
    sent.catch(() => undefined);
    inFlight.push(sent);
  }
  await Promise.all(inFlight);
  return counts;
}

function count(counts: { -readonly [Name in keyof EnqueueSummary]: number }, outcome: BatchOutcome): void {
  if (!outcome.accepted) counts.refused++;
  else if (outcome.job.status === "enqueued") counts.enqueued++;
  else if (outcome.job.status === "already-enqueued") counts.alreadyEnqueued++;
  else counts.alreadyFinished++;
}

async function* batches<T>(items: AsyncIterable<T> | Iterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let wanted = Math.min(size, FIRST_BATCH);
  for await (const item of items) {
    batch.push(item);
    if (batch.length < wanted) continue;
    yield batch;
    batch = [];
    wanted = Math.min(size, wanted * 2);
  }
  if (batch.length > 0) yield batch;
}
