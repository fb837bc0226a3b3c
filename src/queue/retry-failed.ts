import { ErrorCode, type Job, type Queue } from "bullmq";
import { controlKeys } from "../admission/keys.ts";
import type { BulkRun } from "../job/bulk-run.ts";
import type { Clock } from "../platform/clock.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { createRunBook } from "../storage/run-book.ts";
import { jobIdOf } from "./job-codec.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { readLanes } from "./lane.ts";

export interface RetryFailedOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
  readonly clock: Clock;
}

/** A failed job as BullMQ knows it. */
interface FailedJob {
  readonly queue: Queue;
  readonly idInQueue: string;
}

/** Jobs looked at in one step: about a millisecond of Redis. */
const SLICE = 500;
const RETRIED_AT_ONCE = 50;

/**
 * Runs the jobs of a bulk run once more that have failed or expired, as Bull Board's Retry does: each as its next
 * generation, with the agent and content that it had. Found are those that BullMQ keeps: of a lane the last 10,000 failures
 * of a week, live ones only. A run that was done is running again.
 * @returns how many
 * @throws InvalidInputError there is no such run, it is cancelled, or its results belong into a file elsewhere
 */
export async function retryFailedOfRun(runId: string, options: RetryFailedOptions): Promise<number> {
  const runs = createRunBook(options.redis, options.namespace, options.clock);
  const run = await runs.read(runId);
  if (run === null) throw refusal(showValue(runId), "the id of a bulk run");
  checkRun(run);
  const failed = await findFailed(runId, options);
  if (failed.length === 0) return 0;
  // Before its jobs run: they count for a run that is running.
  if (run.state === "done") await runs.begin(run);
  return await retryAll(failed);
}

function checkRun({ id, output, state }: BulkRun): void {
  if (output !== null) {
    throw refusal(
      `${id}, whose results are written to ${output} by the program that feeds it`,
      `\`puppet-engine runs retry-failed ${id}\` on the machine that has this file`,
    );
  }
  if (state === "cancelled") throw refusal(`${id}, which is cancelled`, "a run that is not; resume it first");
}

function refusal(got: string, expected: string): InvalidInputError {
  return new InvalidInputError([{ source: "runs", path: "id", got, expected }]);
}

/** All of them before the first one runs: it may fail again, and would be found again. */
async function findFailed(runId: string, { redis, namespace, queues }: RetryFailedOptions): Promise<FailedJob[]> {
  const found: FailedJob[] = [];
  for (const { name } of await readLanes(redis, namespace)) {
    const queue = queues.get(name);
    // A scan may tell an id twice.
    const seen = new Set<string>();
    for await (const ids of scan(redis, queue.toKey("failed"))) {
      const isOfRun = await whichBelong(ids, runId, { redis, namespace });
      ids.forEach((id, index) => void (isOfRun[index] === true && seen.add(id)));
    }
    for (const idInQueue of seen) found.push({ queue, idInQueue });
  }
  return found;
}

async function* scan(redis: RedisClient, sortedSet: string): AsyncGenerator<string[]> {
  let cursor = "0";
  do {
    const [next, membersAndScores] = await redis.zscan(sortedSet, cursor, "COUNT", SLICE);
    yield membersAndScores.filter((_, index) => index % 2 === 0);
    cursor = next;
  } while (cursor !== "0");
}

/** Asks the claims, which are small: jobs may hold a quarter of a megabyte each. */
async function whichBelong(
  idsInQueue: readonly string[],
  runId: string,
  { redis, namespace }: Pick<RetryFailedOptions, "redis" | "namespace">,
): Promise<boolean[]> {
  const keys = controlKeys(namespace);
  const pipeline = redis.pipeline();
  for (const id of idsInQueue) pipeline.hmget(keys.job(jobIdOf(id)), "run", "status");
  return ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    const [run, status] = reply as [string | null, string | null];
    return run === runId && (status === "failed" || status === "expired");
  });
}

async function retryAll(failed: readonly FailedJob[]): Promise<number> {
  let retried = 0;
  for (let first = 0; first < failed.length; first += RETRIED_AT_ONCE) {
    const slice = failed.slice(first, first + RETRIED_AT_ONCE);
    const outcomes = await Promise.all(slice.map(async (job) => await retry(job)));
    retried += outcomes.filter(Boolean).length;
  }
  return retried;
}

/** @returns false: it is gone, or somebody else has retried it meanwhile */
async function retry({ queue, idInQueue }: FailedJob): Promise<boolean> {
  const job = (await queue.getJob(idInQueue)) as Job | undefined;
  if (job === undefined) return false;
  try {
    await job.retry("failed");
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === ErrorCode.JobNotExist || code === ErrorCode.JobNotInState) return false;
    throw error;
  }
}
