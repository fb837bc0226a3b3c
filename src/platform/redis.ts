import { Redis, type RedisOptions } from "ioredis";
import { isPassingRedisError } from "./redis-retry.ts";

/** Where a Redis is: a URL (`redis://`, `rediss://`) or the path of a Unix socket. */
export type RedisAddress = { readonly url: string } | { readonly path: string };

/**
 * - `producer`: fails fast: whoever enqueues wants to know now. `producer-queue`: the same for BullMQ's commands.
 * - `control`: ours in a worker: waits for Redis to come back; commands of one tick travel together.
 * - `queue`: for BullMQ, which waits for Redis itself and is slower with auto-pipelining.
 */
export type RedisRole = "producer" | "producer-queue" | "control" | "queue";

const LONGEST_RECONNECT_PAUSE_MS = 1000;

/**
 * A blocking command of BullMQ holds a connection for 10 s at most; a socket that says nothing for longer than that,
 * with a command on its way, is a partition that nobody announced.
 */
const ROLE_OPTIONS = {
  producer: { maxRetriesPerRequest: 2, commandTimeout: 10_000, enableAutoPipelining: true },
  "producer-queue": { maxRetriesPerRequest: 2, commandTimeout: 30_000 },
  control: { maxRetriesPerRequest: null, socketTimeout: 8_000, enableAutoPipelining: true },
  queue: { maxRetriesPerRequest: null, socketTimeout: 15_000 },
} satisfies Record<RedisRole, RedisOptions>;

export function connectRedis(address: RedisAddress, role: RedisRole): Redis {
  const options = {
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: (times: number) => Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(times, 10)),
    // After a fail-over the old master answers READONLY: only a new connection finds the new one.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    connectionName: `puppet-engine:${role}`,
    ...ROLE_OPTIONS[role],
  } satisfies RedisOptions;
  const redis = "path" in address ? new Redis({ ...options, path: address.path }) : new Redis(address.url, options);
  // Without a listener ioredis prints every lost connection; the commands that suffer from it report it themselves.
  redis.on("error", () => undefined);
  return redis;
}

/** The address without its password, for messages. */
export function showRedisAddress(address: RedisAddress): string {
  if ("path" in address) return address.path;
  try {
    const url = new URL(address.url);
    return `${url.protocol}//${url.username === "" && url.password === "" ? "" : "***@"}${url.host}${url.pathname}`;
  } catch {
    return "the given REDIS_URL";
  }
}

/** Redis cannot be reached, or refuses to write. What was asked for did not happen, or its answer was lost. */
export class RedisUnavailableError extends Error {
  override readonly name = "RedisUnavailableError";

  constructor(address: RedisAddress, cause: unknown) {
    const reason = cause instanceof Error ? reasonOf(cause) : "no answer";
    super(`Redis at ${showRedisAddress(address)} is not available: ${reason}`, { cause });
  }
}

function reasonOf(cause: Error & { code?: unknown; previousErrors?: unknown }): string {
  if (/max retries per request/i.test(cause.message)) return "no connection. Start it, or correct REDIS_URL.";
  if (/NOAUTH|WRONGPASS|NOPERM/.test(cause.message)) return "it refuses the user or password in REDIS_URL.";
  return cause.message.slice(0, 200);
}

const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|DENIED)\b/;

/** Runs commands and turns every sign that Redis is not there, or does not let us in, into `RedisUnavailableError`. */
export async function withRedis<T>(address: RedisAddress, commands: () => Promise<T>): Promise<T> {
  try {
    return await commands();
  } catch (error) {
    if (isPassingRedisError(error) || (error instanceof Error && REFUSED.test(error.message))) {
      throw new RedisUnavailableError(address, error);
    }
    throw error;
  }
}
