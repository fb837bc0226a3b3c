import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { RedisClient } from "./redis-client.ts";
import { whyUnreachable } from "./redis-faults.ts";
import { isPassingRedisError } from "./redis-retry.ts";
import type { RedisTls } from "./redis-tls.ts";
import { describeRefusal, isWriteRefusal, troubleOf, type RedisTroubleKind } from "./redis-trouble.ts";
import { keepPulse } from "./redis-pulse.ts";
import { readNodesUrl, showRedisUrl, type RedisNodesUrl } from "./redis-url.ts";

/** Why an address could not be connected to when it was tried last. */
const lastFaults = new WeakMap<RedisAddress, unknown>();

/** Where a Redis is: a URL, see `redis-url.ts`, or the path of a Unix socket. */
export type RedisAddress = ({ readonly url: string } & RedisAccess) | { readonly path: string };

/** What does not belong into a URL. */
export interface RedisAccess {
  readonly tls?: RedisTls;
  /** How to log in at the sentinels. */
  readonly sentinel?: { readonly username?: string; readonly password?: string };
}

/**
 * - `producer`: fails fast: whoever enqueues wants to know now. `producer-queue`: the same for BullMQ's commands.
 * - `control`: ours in a worker: waits for Redis to come back; commands of one tick travel together.
 * - `queue`: for BullMQ, which waits for Redis itself and is slower with auto-pipelining.
 */
export type RedisRole = "producer" | "producer-queue" | "control" | "queue";

const LONGEST_RECONNECT_PAUSE_MS = 1000;

/** Time for one silent connection to be noticed, and for the command to be sent again on another one. */
const PRODUCER_PATIENCE_MS = 5_000;

const ROLE_OPTIONS = {
  producer: { maxRetriesPerRequest: 2, commandTimeout: PRODUCER_PATIENCE_MS, enableAutoPipelining: true },
  "producer-queue": { maxRetriesPerRequest: 2, commandTimeout: PRODUCER_PATIENCE_MS },
  control: { maxRetriesPerRequest: null, enableAutoPipelining: true },
  queue: { maxRetriesPerRequest: null },
} satisfies Record<RedisRole, RedisOptions>;

export function connectRedis(address: RedisAddress, role: RedisRole): RedisClient {
  const redis = open(address, {
    connectTimeout: 5_000,
    // While there is no pulse yet: a handshake that is not answered.
    socketTimeout: 8_000,
    // Closing politely takes so long at most, where nobody is at the other end.
    disconnectTimeout: 500,
    keepAlive: 10_000,
    retryStrategy: reconnectPauseMs,
    // After a fail-over the old master answers READONLY: only a new connection finds the new one.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    connectionName: `puppet-engine:${role}`,
    // Says nothing that the name does not, and wants a permission that older servers cannot give.
    disableClientInfo: true,
    ...ROLE_OPTIONS[role],
  });
  // Without a listener ioredis prints every lost connection; the commands that suffer from it report it themselves.
  redis.on("error", (error: unknown) => void lastFaults.set(address, error));
  redis.on("ready", () => void lastFaults.delete(address));
  keepPulse(redis);
  return redis;
}

type ConnectionOptions = Omit<RedisOptions, "replyMapping">;

function reconnectPauseMs(times: number): number {
  return Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(times, 10));
}

function open(address: RedisAddress, options: ConnectionOptions): RedisClient {
  if ("path" in address) return new Redis({ ...options, path: address.path });
  const nodes = readNodesUrl(address.url);
  if (nodes === null)
    return new Redis(address.url, { ...options, ...(address.tls !== undefined && { tls: address.tls }) });
  if ("fault" in nodes) throw new Error(nodes.fault);
  const login = { username: nodes.username, password: nodes.password };
  const tls = nodes.tls ? { tls: address.tls ?? {} } : {};
  return nodes.topology === "sentinel"
    ? openThroughSentinels(nodes, address, { ...options, ...login, ...tls })
    : openCluster(nodes, { ...options, ...login, ...tls });
}

/** Sentinels that say nothing are passed over after this. */
const SENTINEL_TIMEOUT_MS = 2_000;
/**
 * What a master says that was replaced: that it is a replica, or that it has lost its replicas (where it wants some).
 * Sentinels know who has taken over.
 */
const WAS_REPLACED = /^(READONLY|NOREPLICAS)\b/;

function openThroughSentinels(
  { nodes, masterName, db }: RedisNodesUrl,
  { sentinel }: RedisAccess,
  options: ConnectionOptions,
): Redis {
  return new Redis({
    ...options,
    sentinels: [...nodes],
    name: masterName,
    db,
    ...(sentinel?.username !== undefined && { sentinelUsername: sentinel.username }),
    ...(sentinel?.password !== undefined && { sentinelPassword: sentinel.password }),
    ...(options.tls !== undefined && { sentinelTLS: options.tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelRetryStrategy: reconnectPauseMs,
    reconnectOnError: (error: Error) => WAS_REPLACED.test(error.message),
  });
}

/** While a slot moves, commands that need several of its keys are refused: for some seconds they are sent again. */
const MAX_REDIRECTIONS = 60;

/**
 * Commands of one tick do not travel together here: when a slot moves meanwhile some of them would be refused, and
 * ioredis sends only single ones elsewhere.
 */
function openCluster({ nodes }: RedisNodesUrl, options: ConnectionOptions): Cluster {
  return new ClusterWithTimeout([...nodes], {
    redisOptions: { ...options, enableAutoPipelining: false },
    clusterRetryStrategy: reconnectPauseMs,
    maxRedirections: MAX_REDIRECTIONS,
    // Names stay as they are, so that certificates are compared with them.
    dnsLookup: (host, callback) => callback(null, host),
  });
}

/** ioredis gives up only on commands that have reached a node; those that wait for a node would wait forever. */
class ClusterWithTimeout extends Cluster {
  override sendCommand(...[command, ...rest]: Parameters<Cluster["sendCommand"]>): unknown {
    const timeoutMs = this.options.redisOptions?.commandTimeout;
    if (timeoutMs !== undefined) command.setTimeout(timeoutMs);
    return super.sendCommand(command, ...rest);
  }
}

/** The address without its password, for messages. */
export function showRedisAddress(address: RedisAddress): string {
  return "path" in address ? address.path : showRedisUrl(address.url);
}

/**
 * Redis cannot be reached, or refuses to write. What was asked for did not happen, or its answer was lost: asking again
 * with the same job id is safe.
 */
export class RedisUnavailableError extends Error {
  override readonly name = "RedisUnavailableError";
  readonly reason: RedisTroubleKind;
  /** What to do about it. */
  readonly remedy: string;

  constructor(address: RedisAddress, cause: unknown) {
    const { kind, remedy } = troubleOf(cause);
    const isOverTls = "url" in address && /^rediss/i.test(address.url);
    const reason = whyUnreachable(cause, lastFaults.get(address), isOverTls) ?? explain(cause, kind, remedy);
    super(`Redis at ${showRedisAddress(address)} is not available: ${reason}`, { cause });
    this.reason = kind;
    this.remedy = remedy;
  }
}

function explain(cause: unknown, kind: RedisTroubleKind, remedy: string): string {
  if (kind === "unreachable") return "no connection. Start it, or correct REDIS_URL.";
  if (kind === "no-answer") return `no answer in time; ${remedy}.`;
  if (isWriteRefusal(cause)) return `${describeRefusal(cause)}.`;
  const message = cause instanceof Error ? cause.message : "no answer";
  return `${message.slice(0, 200).replace(/\.$/, "")}; ${remedy}.`;
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
