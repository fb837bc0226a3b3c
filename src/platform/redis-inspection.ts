import { Cluster } from "ioredis";
import type { RedisClient } from "./redis-client.ts";

export interface RedisInspection {
  readonly version: string;
  /** How often a second Redis looks after its timers; `null`: it does not say. */
  readonly hz: number | null;
  /** What will lose jobs or is too slow, each with its remedy. Empty when all is well. */
  readonly warnings: readonly string[];
}

/** BullMQ recommends it: https://docs.bullmq.io/guide/redis-tm-compatibility */
const OLDEST_VERSION = [6, 2] as const;

/** Looks at the settings that jobs depend on, on every master of a cluster. */
export async function inspectRedis(redis: RedisClient): Promise<RedisInspection> {
  const nodes = redis instanceof Cluster ? redis.nodes("master") : [redis];
  const [first, ...others] = await Promise.all(nodes.map(inspectNode));
  if (first === undefined) return await inspectNode(redis);
  return { ...first, warnings: [...new Set([first, ...others].flatMap(({ warnings }) => warnings))] };
}

/** Uses INFO alone: managed services refuse CONFIG. */
async function inspectNode(redis: RedisClient): Promise<RedisInspection> {
  const info = new Map(
    (await redis.info()).split("\r\n").map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
  const version = info.get("valkey_version") ?? info.get("redis_version") ?? "unknown";
  const policy = info.get("maxmemory_policy");
  const warnings: string[] = [];
  if (policy !== undefined && policy !== "noeviction") {
    warnings.push(`Redis may drop jobs when its memory is full: maxmemory-policy is ${policy}; set it to noeviction`);
  }
  if (info.get("aof_enabled") === "0") {
    warnings.push("Redis forgets accepted jobs when it crashes: its append-only file is off; set appendonly yes");
  }
  const compatible = info.get("redis_version");
  if (compatible !== undefined && isOlder(compatible, OLDEST_VERSION)) {
    warnings.push(`Redis ${version} is too old; ${OLDEST_VERSION.join(".")} or newer is needed`);
  }
  const hz = Number(info.get("configured_hz") ?? info.get("hz"));
  return { version, hz: Number.isNaN(hz) ? null : hz, warnings };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
