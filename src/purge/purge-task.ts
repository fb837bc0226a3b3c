import type { RedisClient } from "../platform/redis-client.ts";
import type { PurgeCounts } from "../job/purge.ts";
import type { LaneQueues } from "../queue/lane-queues.ts";

/** A purge under way. */
export interface PurgeTask {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
  readonly agentId: string;
  /** Nothing is changed. */
  readonly dryRun: boolean;
  /** Epoch ms. */
  readonly now: number;
  /** How long results and daily counters are kept, for jobs that are cancelled. */
  readonly resultsMs: number;
  readonly countersMs: number;
  /** What was found so far. */
  readonly counts: PurgeCounts;
}

/** Removes keys, without Redis standing still for the memory of large ones. */
export async function unlink({ redis, dryRun }: PurgeTask, keys: readonly string[]): Promise<void> {
  if (!dryRun && keys.length > 0) await redis.unlink(...keys);
}
