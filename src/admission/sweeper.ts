import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { controlKeys, type ControlKeys } from "./keys.ts";
import { writeSettlement, type SettlementWriter } from "./write-settlement.ts";

export interface SweeperOptions extends SettlementWriter {
  /** Told of every orphan that was written. */
  readonly onOrphan: (row: UsageRecord) => void;
}

/**
 * A worker that was silent for this long is dead: longer than any pause of a healthy event loop, shorter than the time
 * after which BullMQ runs its jobs again.
 */
export const DEAD_AFTER_MS = 15_000;

/** So long it is known that a worker died: longer than any job that crashes workers needs for its crashes. */
const DEATHS_KEPT_MS = 24 * 3600_000;

const heartbeatScript = loadLuaScript(new URL("./scripts/heartbeat.lua", import.meta.url));

const noteDeathScript = loadLuaScript(new URL("./scripts/note-death.lua", import.meta.url));

const signOffScript = loadLuaScript(new URL("./scripts/sign-off.lua", import.meta.url));

const forgetScript = loadLuaScript(new URL("./scripts/forget-limits.lua", import.meta.url));

/** Says that this worker lives. @returns the ids of workers that do not */
export async function heartbeat(options: Pick<SweeperOptions, "redis" | "namespace" | "workerId">): Promise<string[]> {
  const keys = controlKeys(options.namespace);
  const dead = await heartbeatScript.run(options.redis, [keys.workers], [options.workerId, DEAD_AFTER_MS]);
  return dead as string[];
}

/** How many workers have said lately that they live. */
export async function countWorkers(redis: RedisClient, namespace: string): Promise<number> {
  const { workers } = controlKeys(namespace);
  const dead = (await heartbeatScript.run(redis, [workers], ["", DEAD_AFTER_MS])) as string[];
  return (await redis.zcard(workers)) - dead.length;
}

/**
 * Turns the intents of dead workers into orphans: usage rows with the largest possible cost, because the vendor may have
 * seen those calls. Safe to run in several workers at once.
 */
export async function sweep(dead: readonly string[], options: SweeperOptions): Promise<void> {
  const keys = controlKeys(options.namespace);
  for (const workerId of dead) {
    const attemptIds = await options.redis.smembers(keys.intents(workerId));
    const suspects = await Promise.all(attemptIds.map(async (id) => await hasCrashedBefore(id, options.redis, keys)));
    if (suspects.length > 0 && !suspects.includes(true))
      await noteDeathScript.run(options.redis, [keys.deaths], [workerId, DEATHS_KEPT_MS]);
    for (const attemptId of attemptIds) await orphan(attemptId, { ...options, workerId }, keys);
    // It may have gone on meanwhile: whoever has an intent stays listed.
    await signOff({ ...options, workerId });
  }
}

/** Drops usage rows that are too old; their number is bounded as they are written. */
export async function trimUsageRows({
  redis,
  namespace,
  retention,
}: Pick<SweeperOptions, "redis" | "namespace" | "retention">): Promise<void> {
  const [seconds] = await redis.time();
  await redis.xtrim(controlKeys(namespace).usageRows, "MINID", "~", Number(seconds) * 1000 - retention.usageRowsMs);
}

/** Drops the names of limit groups and keys of which nothing is known any more, such as those of keys that were replaced. */
export async function forgetLimits({ redis, namespace }: Pick<SweeperOptions, "redis" | "namespace">): Promise<void> {
  const keys = controlKeys(namespace);
  const names = await redis.smembers(keys.knownLimits);
  const of = names.flatMap((name) => [keys.limitGroup(name), keys.credential(name)]);
  if (names.length > 0) await forgetScript.run(redis, [keys.knownLimits, ...of], names);
}

/** Whether the attempt is one of a job that a worker has died of already: it may be to blame this time as well. */
async function hasCrashedBefore(attemptId: string, redis: RedisClient, keys: ControlKeys): Promise<boolean> {
  const { jobId, attempt } = partsOf(attemptId);
  const json = await redis.hget(keys.job(jobId), `row:${attempt - 1}`);
  return json !== null && (JSON.parse(json) as UsageRecord).outcome === "crashed";
}

/** `<job id>.<attempt>` */
function partsOf(attemptId: string): { readonly jobId: string; readonly attempt: number } {
  const separator = attemptId.lastIndexOf(".");
  return { jobId: attemptId.slice(0, separator), attempt: Number(attemptId.slice(separator + 1)) };
}

async function orphan(attemptId: string, options: SweeperOptions, keys: ControlKeys): Promise<void> {
  const { jobId, attempt } = partsOf(attemptId);
  const [json, state] = await options.redis.hmget(keys.job(jobId), `row:${attempt}`, `state:${attempt}`);
  if (!json || !state?.startsWith("open:")) {
    await options.redis.srem(keys.intents(options.workerId), attemptId);
    return;
  }
  const row = JSON.parse(json) as UsageRecord;
  const settlement = { jobId, agentId: row.agentId, row, report: null, terminal: null, pause: null, deliveries: 0 };
  await writeSettlement(settlement, "orphaned", options);
  options.onOrphan(row);
}

/** A worker that stops in good order is not dead, just gone. Open intents, if any, are left to the sweeper. */
export async function signOff({
  redis,
  namespace,
  workerId,
}: Pick<SweeperOptions, "redis" | "namespace" | "workerId">): Promise<void> {
  const keys = controlKeys(namespace);
  await signOffScript.run(redis, [keys.workers, keys.intents(workerId)], [workerId]);
}
