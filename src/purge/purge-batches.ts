import { controlKeys } from "../admission/keys.ts";
import type { PurgeTask } from "./purge-task.ts";

/** Rows looked at in one step: each has what was asked. */
const SLICE = 100;

/**
 * Takes jobs of the agent out of those that wait for a batch. They have ended.
 * @returns its jobs that are in batches under way, which leave with their batch
 */
export async function purgeBatches(task: PurgeTask): Promise<ReadonlySet<string>> {
  const { redis, namespace } = task;
  const underWay = new Set<string>();
  const keys = controlKeys(namespace);
  for (const group of await redis.hkeys(keys.batchGroups)) await purgeOpenRows(keys.batchOpen(group), task);
  for (const batch of await redis.zrange(keys.batches, "0", "-1")) {
    for (const jobId of await ownRows(keys.batchRows(batch), task)) underWay.add(jobId);
  }
  return underWay;
}

/** From the end: rows are added there, and taken from the beginning. */
async function purgeOpenRows(key: string, { redis, agentId, dryRun, counts }: PurgeTask): Promise<void> {
  for (let last = -1; ; last -= SLICE) {
    const rows = await redis.lrange(key, last - SLICE + 1, last);
    const own = rows.filter((row) => jobOf(row).agentId === agentId);
    counts.batchRows += own.length;
    if (!dryRun) await Promise.all(own.map((row) => redis.lrem(key, -1, row)));
    if (rows.length < SLICE) return;
    if (!dryRun) last += own.length;
  }
}

async function ownRows(key: string, { redis, agentId }: PurgeTask): Promise<string[]> {
  const own: string[] = [];
  let cursor = "0";
  do {
    const [next, rows] = await redis.hscan(key, cursor, "COUNT", SLICE);
    const jobs = rows.filter((_, index) => index % 2 === 1).map(jobOf);
    own.push(...jobs.filter((job) => job.agentId === agentId).map(({ id }) => id));
    cursor = next;
  } while (cursor !== "0");
  return own;
}

/** What was read was written by us. */
function jobOf(row: string): { readonly id: string; readonly agentId: string } {
  return (JSON.parse(row) as { job: { id: string; agentId: string } }).job;
}
