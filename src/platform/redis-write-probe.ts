import type { RedisClient } from "./redis-client.ts";

/** Error code of Redis → what to do about it. */
const REMEDIES: Readonly<Record<string, string>> = {
  OOM: "raise its maxmemory, or keep results and usage rows for a shorter time (retention)",
  READONLY: "it is a replica: point REDIS_URL to the primary",
  MISCONF: "it cannot write its data to disk: look at its log and at the space on the disk",
  NOPERM: "give the user in REDIS_URL the right to write",
  NOREPLICAS: "connect more replicas, or lower min-replicas-to-write",
};

const LONGEST_REASON = 200;
/** The probe goes away by itself. */
const PROBE_MS = 10_000;

/** Writes a small key. @returns why Redis refuses that, with the remedy behind "; " when there is one; `null`: it does not */
export async function whyNotWritable(redis: RedisClient, namespace: string): Promise<string | null> {
  try {
    await redis.set(`{${namespace}}:probe`, "1", "PX", PROBE_MS);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown";
    const remedy = REMEDIES[message.split(" ", 1)[0] ?? ""];
    const reason = `Redis refuses to write: ${message.slice(0, LONGEST_REASON).replace(/\.$/, "")}`;
    return remedy === undefined ? reason : `${reason}; ${remedy}`;
  }
}
