import type { Redis } from "ioredis";

/** Keys looked at in one step: less than a millisecond of Redis. */
const SLICE = 500;

/**
 * The keys that begin with `beginning`, in slices, while Redis goes on serving others. Those that are made or removed
 * meanwhile may be missing, and one may be told twice.
 */
export async function* scanKeys(redis: Redis, beginning: string): AsyncGenerator<readonly string[]> {
  const match = `${beginning.replace(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", match, "COUNT", SLICE);
    if (keys.length > 0) yield keys;
    cursor = next;
  } while (cursor !== "0");
}
