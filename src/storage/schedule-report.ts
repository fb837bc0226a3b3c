import { controlKeys } from "../admission/keys.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** Workers look twice a second, and whoever takes a schedule moves its time ahead. */
const OVERDUE_MS = 60_000;

/** Schedules whose slot nobody deals with. @param now epoch ms */
export async function countOverdueSchedules(redis: RedisClient, namespace: string, now: number): Promise<number> {
  return await redis.zcount(controlKeys(namespace).schedulesDue, "-inf", now - OVERDUE_MS);
}
