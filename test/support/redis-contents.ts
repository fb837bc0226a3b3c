import type { Redis } from "ioredis";

/** A key with everything that stands in it. */
export interface KeyContents {
  readonly key: string;
  readonly type: string;
  /** Names, values and members; binary ones as they look in UTF-8. */
  readonly text: string;
  /** Entries, fields or members; of a string 1. */
  readonly size: number;
  /** Milliseconds; -1: it does not expire. */
  readonly expiresInMs: number;
}

/** Everything that a namespace has in Redis, lanes included. */
export async function readContents(redis: Redis, namespace: string): Promise<readonly KeyContents[]> {
  const found = new Set<string>();
  for (const match of [`{${namespace}}*`, `{${namespace}:*`]) {
    for await (const keys of redis.scanStream({ match, count: 1000 })) {
      for (const key of keys as string[]) found.add(key);
    }
  }
  const contents = await Promise.all([...found].sort().map(async (key) => await read(redis, key)));
  // One that has expired meanwhile is no key any more.
  return contents.filter(({ type, expiresInMs }) => type !== "none" && expiresInMs !== GONE);
}

/** What PTTL says of a key that is not there. */
const GONE = -2;

async function read(redis: Redis, key: string): Promise<KeyContents> {
  const type = await redis.type(key);
  const parts = await partsOf(redis, key, type);
  const perEntry = type === "hash" || type === "zset" ? 2 : 1;
  return { key, type, text: parts.join("\n"), size: parts.length / perEntry, expiresInMs: await redis.pttl(key) };
}

async function partsOf(redis: Redis, key: string, type: string): Promise<readonly string[]> {
  switch (type) {
    case "string":
      return [(await redis.get(key)) ?? ""];
    case "hash":
      return Object.entries(await redis.hgetall(key)).flat();
    case "list":
      return await redis.lrange(key, 0, -1);
    case "set":
      return await redis.smembers(key);
    case "zset":
      return await redis.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return (await redis.xrange(key, "-", "+")).map(([id, fields]) => [id, ...fields].join(" "));
    default:
      return [];
  }
}
