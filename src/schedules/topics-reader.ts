import { stat } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError } from "../platform/problem.ts";
import type { Logger } from "../platform/logger.ts";
import { isTopicsFileName } from "./schedule-file.ts";
import { readTopics } from "./read-topics.ts";
import type { Schedule, Topic } from "./schedule.ts";

export interface SyncedSchedule {
  readonly schedule: Schedule;
  readonly syncedAt: number;
}

/**
 * The topics of a schedule as they are now: those of its file in this folder if that has changed since the schedule was
 * synced, otherwise those that were synced. A file that is broken is reported, and waits until it is mended.
 */
export function createTopicsReader(
  agentsDirectory: string,
  logger: Pick<Logger, "warn">,
): (synced: SyncedSchedule) => Promise<readonly Topic[]> {
  return async ({ schedule, syncedAt }) => {
    const { topicsFile, agentId, topics } = schedule;
    if (topicsFile === null || !isTopicsFileName(topicsFile)) return topics;
    const path = join(agentsDirectory, topicsFile);
    const changedAt = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    if (changedAt <= syncedAt) return topics;
    return await readTopics(path, agentId).catch((error: unknown) => {
      if (!(error instanceof InvalidInputError)) throw error;
      logger.warn({ agent: agentId, err: error.message }, "the changed file of topics is not used");
      return topics;
    });
  };
}
