import type { RedisClient } from "./redis-client.ts";
import { describeRefusal } from "./redis-trouble.ts";

/** The probe goes away by itself. */
const PROBE_MS = 10_000;

/** Writes a small key. @returns why Redis refuses that, with the remedy behind "; "; `null`: it does not */
export async function whyNotWritable(redis: RedisClient, namespace: string): Promise<string | null> {
  try {
    await redis.set(`{${namespace}}:probe`, "1", "PX", PROBE_MS);
    return null;
  } catch (error) {
    return describeRefusal(error);
  }
}
