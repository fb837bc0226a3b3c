import { controlKeys } from "../admission/keys.ts";
import { parseWork, type WorkSeries } from "../job/work-metrics.ts";
import { workerStatusSchema, type WorkerStatus } from "../job/worker-status.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** What living workers say of themselves, the oldest first. Two round trips, however many there are. */
export async function readWorkers(redis: RedisClient, namespace: string): Promise<WorkerStatus[]> {
  const keys = controlKeys(namespace);
  const ids = await redis.zrange(keys.workers, "0", "-1");
  if (ids.length === 0) return [];
  const reports = await redis.mget(ids.map((id) => keys.worker(id)));
  return reports.flatMap(statusOf).sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

/** `[]`: it is dead, or too old or too new a version to be understood. */
function statusOf(json: string | null): WorkerStatus[] {
  if (json === null) return [];
  const parsed = workerStatusSchema.safeParse(JSON.parse(json));
  return parsed.success ? [parsed.data] : [];
}

/** What all workers have counted since the counters began. */
export async function readWork(redis: RedisClient, namespace: string): Promise<WorkSeries[]> {
  return parseWork(await redis.hgetall(controlKeys(namespace).metrics));
}
