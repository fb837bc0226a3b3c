import { Cluster, type Redis } from "ioredis";
import type { RedisClient } from "./redis-client.ts";

/** Keys looked at in one step: less than a millisecond of Redis. */
const SLICE = 500;

/**
 * The keys that begin with `beginning`, in slices, while Redis goes on serving others. Those that are made or removed
 * meanwhile may be missing, and one may be told twice.
 */
export async function* scanKeys(redis: RedisClient, beginning: string): AsyncGenerator<readonly string[]> {
  const match = `${beginning.replace(/[\\*?[\]]/g, "\\$&")}*`;
  const nodes: readonly Redis[] = redis instanceof Cluster ? redis.nodes("master") : [redis];
  for (const node of nodes) {
    let cursor = "0";
    do {
      const [next, keys] = await node.scan(cursor, "MATCH", match, "COUNT", SLICE);
      if (keys.length > 0) yield keys;
      cursor = next;
    } while (cursor !== "0");
  }
}
