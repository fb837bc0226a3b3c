import type { Redis } from "ioredis";
import { controlKeys } from "../admission/keys.ts";

/** Workers look twice a second, and whoever takes a schedule moves its time ahead. */
const OVERDUE_MS = 60_000;

/** Schedules whose slot nobody deals with. @param now epoch ms */
export async function countOverdueSchedules(redis: Redis, namespace: string, now: number): Promise<number> {
  return await redis.zcount(controlKeys(namespace).schedulesDue, "-inf", now - OVERDUE_MS);
}
