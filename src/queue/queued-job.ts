import type { GenerationJob } from "../job/generation-job.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { decodeJob, queueJobId } from "./job-codec.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { BATCH, QUARANTINE } from "./lane.ts";

/**
 * A job as it was enqueued, from its queue: nothing else keeps what was asked.
 * @param lane in which it was enqueued; it may have gone to a special one since
 * @returns `null`: its queue has forgotten it, or holds something that this version cannot read
 */
export async function readQueuedJob(
  { jobId, lane }: { readonly jobId: string; readonly lane: string },
  { redis, queues }: { readonly redis: RedisClient; readonly queues: LaneQueues },
): Promise<GenerationJob | null> {
  for (const name of new Set([lane, QUARANTINE.name, BATCH.name])) {
    const data = await redis.hget(queues.get(name).toKey(queueJobId(jobId)), "data");
    if (data !== null) return parse(data);
  }
  return null;
}

function parse(data: string): GenerationJob | null {
  try {
    const decoded = decodeJob(JSON.parse(data));
    return decoded.is === "job" ? decoded.job : null;
  } catch {
    // Anybody with access to Redis can write there.
    return null;
  }
}
