import { setTimeout as sleep } from "node:timers/promises";
import type { PurgeCounts, PurgeOptions, PurgeReport } from "../job/purge.ts";
import { agentId as agentIdSchema } from "../job/job-input.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import { jobIdOf } from "../queue/job-codec.ts";
import { createScheduleStore } from "../queue/schedule-store.ts";
import { purgeBatches } from "./purge-batches.ts";
import { purgeJobs, purgeResult } from "./purge-jobs.ts";
import { forgetEvents, purgeLanes, removeAll, type LaneJob } from "./purge-lanes.ts";
import type { PurgeTask } from "./purge-task.ts";
import { purgeCachedTexts, purgeFingerprints, purgeLastErrors, purgeMessages, purgeSnapshots } from "./purge-traces.ts";

/** An aborted call has its record within a second, unless its worker is dead; then it is run again, and cancelled. */
const DEFAULT_WAIT_MS = 15_000;
const LOOK_EVERY_MS = 200;

export type PurgeParts = Omit<PurgeTask, "dryRun" | "counts">;

/**
 * Removes what an agent was asked and has written, in slices, and in an order in which nothing is lost when it is
 * interrupted: run again it does the rest.
 */
export async function purgeAgent(
  parts: PurgeParts,
  { dryRun = false, waitMs = DEFAULT_WAIT_MS, onProgress = () => undefined }: PurgeOptions = {},
): Promise<PurgeReport> {
  checkAgent(parts.agentId);
  const counts: PurgeCounts = {
    ...{ cancelled: 0, results: 0, queued: 0, batchRows: 0, messages: 0 },
    ...{ snapshots: 0, cached: 0, fingerprints: 0, schedules: 0, underWay: 0 },
  };
  const task: PurgeTask = { ...parts, dryRun, counts };
  const at = (step: string) => (): void => onProgress(step, counts);
  // First, so that no new job comes of it.
  await purgeSchedule(task);
  const called = await purgeJobs(task, at("results"));
  const atVendors = await purgeBatches(task);
  const untilMs = performance.now() + waitMs;
  const unended = await endOf(called.difference(atVendors), untilMs, task);
  const busy = await purgeLanes(task, at("lanes"));
  const unremoved = await removeLater(busy, untilMs, task);
  counts.underWay = unended.union(atVendors).union(unremoved).size;
  await forgetEvents(task);
  // Not before the jobs have ended: those that run need their snapshot.
  await purgeSnapshots(task);
  await purgeCachedTexts(task);
  await purgeFingerprints(task);
  await purgeLastErrors(task);
  await purgeMessages(task, at("usage rows"));
  return counts;
}

function checkAgent(agentId: string): void {
  if (agentIdSchema.safeParse(agentId).success) return;
  const expected = "the id of an agent";
  throw new InvalidInputError([{ source: "purge", path: "agent", got: showValue(agentId), expected }]);
}

async function purgeSchedule({ redis, namespace, agentId, dryRun, counts }: PurgeTask): Promise<void> {
  const store = createScheduleStore(redis, namespace);
  const isThere = dryRun ? (await store.read(agentId)) !== undefined : await store.remove(agentId);
  counts.schedules = isThere ? 1 : 0;
}

/** Waits for the records of calls that were told to stop. @returns the jobs that have none yet */
async function endOf(called: ReadonlySet<string>, untilMs: number, task: PurgeTask): Promise<ReadonlySet<string>> {
  const left = new Set(called);
  for (;;) {
    for (const jobId of left) if (await purgeResult(jobId, task)) left.delete(jobId);
    if (left.size === 0 || performance.now() >= untilMs) return left;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Workers put down what has ended within a moment. @returns the jobs that they still have */
async function removeLater(busy: readonly LaneJob[], untilMs: number, task: PurgeTask): Promise<ReadonlySet<string>> {
  let left = busy;
  while (left.length > 0 && performance.now() < untilMs) {
    await sleep(LOOK_EVERY_MS);
    left = await removeAll(left, task);
  }
  return new Set(left.map(({ idInQueue }) => jobIdOf(idInQueue)));
}
