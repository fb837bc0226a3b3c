import { Cluster, Redis, type ChainableCommander } from "ioredis";
import { keepPulse } from "./redis-pulse.ts";

/** A connection to one Redis, the master that sentinels name, or a cluster. */
export type RedisClient = Redis | Cluster;

/** A connection of its own for hearing channels. It waits for Redis to come back, and then hears them again. */
export function openSubscriber(redis: RedisClient): RedisClient {
  const subscriber =
    redis instanceof Cluster
      ? redis.duplicate()
      : redis.duplicate({ enableAutoPipelining: false, maxRetriesPerRequest: null });
  subscriber.on("error", () => undefined);
  keepPulse(subscriber);
  return subscriber;
}

/**
 * Reads many things in one round trip; on a cluster in one per item, because items may live on different nodes, and all
 * at once.
 * @param ask adds commands that read, all of keys with the same hash tag
 * @returns the replies to the commands that `ask` has added for each item
 */
export async function readInOneTrip<Item>(
  redis: RedisClient,
  items: readonly Item[],
  ask: (pipeline: ChainableCommander, item: Item) => void,
): Promise<unknown[][]> {
  if (redis instanceof Redis) return await readTogether(redis, items, ask);
  return (await Promise.all(items.map(async (item) => await readTogether(redis, [item], ask)))).flat();
}

async function readTogether<Item>(
  redis: RedisClient,
  items: readonly Item[],
  ask: (pipeline: ChainableCommander, item: Item) => void,
): Promise<unknown[][]> {
  const pipeline = redis.pipeline();
  const ends = items.map((item) => {
    ask(pipeline, item);
    return pipeline.length;
  });
  const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
  return ends.map((end, index) => replies.slice(ends[index - 1] ?? 0, end));
}
