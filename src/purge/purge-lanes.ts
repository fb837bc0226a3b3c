import { controlKeys } from "../admission/keys.ts";
import { scanKeys } from "../platform/scan-keys.ts";
import { jobIdOf } from "../queue/job-codec.ts";
import { QUARANTINE, readLanes } from "../queue/lane.ts";
import type { PurgeTask } from "./purge-task.ts";

/** A job as BullMQ knows it. */
export interface LaneJob {
  readonly lane: string;
  readonly idInQueue: string;
}

/** Jobs whose claim is forgotten tell their agent only in their data, of which each may have a quarter of a megabyte. */
const READ_AT_ONCE = 20;
const REMOVED_AT_ONCE = 50;

/**
 * Takes the agent's jobs out of all lanes, quarantine and the lane of batches included, whatever became of them. Those that
 * have no terminal record are left alone: they came after the purge had begun.
 * @returns those that a worker has in its hands
 */
export async function purgeLanes(task: PurgeTask, onSlice: () => void): Promise<readonly LaneJob[]> {
  const { redis, namespace, counts, dryRun } = task;
  const busy: LaneJob[] = [];
  // Not only of lanes that are known: whatever is there is found.
  const pattern = /^\{.*:[0-9a-f]{8}\}:([^:]+):(j_[A-Za-z0-9_-]+)$/;
  for await (const keys of scanKeys(redis, `{${namespace}:`)) {
    const jobs = keys.flatMap((key) => {
      const [, lane, idInQueue] = pattern.exec(key) ?? [];
      return lane === undefined || idInQueue === undefined ? [] : [{ lane, idInQueue }];
    });
    const own = await ownAmong(jobs, task);
    if (dryRun) counts.queued += own.length;
    else busy.push(...(await removeAll(own, task)));
    onSlice();
  }
  return busy;
}

/** @returns those that a worker has in its hands */
export async function removeAll(jobs: readonly LaneJob[], { queues, counts }: PurgeTask): Promise<LaneJob[]> {
  const busy: LaneJob[] = [];
  for (let first = 0; first < jobs.length; first += REMOVED_AT_ONCE) {
    const slice = jobs.slice(first, first + REMOVED_AT_ONCE);
    const removed = await Promise.all(
      slice.map(async ({ lane, idInQueue }) => await queues.get(lane).remove(idInQueue)),
    );
    counts.queued += removed.filter((count) => count === 1).length;
    busy.push(...slice.filter((_, index) => removed[index] !== 1));
  }
  return busy;
}

async function ownAmong(
  jobs: readonly LaneJob[],
  { redis, namespace, agentId, queues, dryRun }: PurgeTask,
): Promise<LaneJob[]> {
  const keys = controlKeys(namespace);
  const claims = await Promise.all(
    jobs.map(({ idInQueue }) => redis.hmget(keys.job(jobIdOf(idInQueue)), "agent", "status")),
  );
  const own: LaneJob[] = [];
  const unclaimed: LaneJob[] = [];
  jobs.forEach((job, index) => {
    const [agent, status] = claims[index] ?? [];
    if (!agent) unclaimed.push(job);
    else if (agent === agentId && (dryRun || status)) own.push(job);
  });
  for (let first = 0; first < unclaimed.length; first += READ_AT_ONCE) {
    const slice = unclaimed.slice(first, first + READ_AT_ONCE);
    const data = await Promise.all(
      slice.map(({ lane, idInQueue }) => redis.hget(queues.get(lane).toKey(idInQueue), "data")),
    );
    own.push(...slice.filter((_, index) => agentIn(data[index] ?? null) === agentId));
  }
  return own;
}

function agentIn(data: string | null): unknown {
  try {
    return (JSON.parse(data ?? "null") as { agentId?: unknown } | null)?.agentId;
  } catch {
    // Anybody with access to Redis can write there.
    return undefined;
  }
}

/** They tell texts and reasons to whoever listens just now, and say nothing that is not known otherwise. */
export async function forgetEvents({ redis, namespace, queues, dryRun }: PurgeTask): Promise<void> {
  if (dryRun) return;
  const lanes = await readLanes(redis, namespace);
  for (const name of new Set([...lanes.map((lane) => lane.name), QUARANTINE.name])) {
    await redis.xtrim(queues.get(name).toKey("events"), "MAXLEN", 0);
  }
}
