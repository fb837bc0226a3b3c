import { countWorkers } from "../admission/sweeper.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";
import { describeRefusal, isWriteRefusal } from "../platform/redis-trouble.ts";
import { whyNotWritable } from "../platform/redis-write-probe.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Everything that keeps jobs from being taken or kept, one line each, with its remedy. */
  readonly problems: readonly string[];
  readonly workers: number;
}

/** A Redis that does not answer within this time is not reachable. */
const PATIENCE_MS = 3000;
const LONGEST_REASON = 200;

/** Whether jobs can be accepted, kept and worked off now. Never throws. */
export async function checkReadiness(redis: RedisClient, namespace: string): Promise<Readiness> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    return await Promise.race([look(redis, namespace), timeout]);
  } catch (error) {
    return { ready: false, problems: [whyUnavailable(redis, error)], workers: 0 };
  } finally {
    clearTimeout(timer);
  }
}

/** One line for people, with the remedy. Never shows the address, which may hold a password. */
export function whyUnavailable(redis: RedisClient, error: unknown): string {
  if (isWriteRefusal(error)) return describeRefusal(error);
  const reason = error instanceof Error ? error.message.slice(0, LONGEST_REASON) : "no answer";
  if (/NOAUTH|WRONGPASS|NOPERM/.test(reason)) return "Redis refuses the user or password in REDIS_URL; correct them";
  // Connected, and told by Redis to come back later.
  if (redis.status === "connect") return "Redis is not ready: it is loading its data; wait, or look at its log";
  if (redis.status !== "ready") return "Redis cannot be reached: no connection; start it, or correct REDIS_URL";
  return `Redis cannot be reached: ${reason}; look whether it runs and what it is busy with`;
}

async function look(redis: RedisClient, namespace: string): Promise<Readiness> {
  const { warnings } = await inspectRedis(redis);
  const refusal = await whyNotWritable(redis, namespace);
  const workers = await countWorkers(redis, namespace);
  const problems = [
    ...warnings,
    ...(refusal === null ? [] : [refusal]),
    ...(workers === 0 ? ["no worker is running; start one with `puppet-engine worker`"] : []),
  ];
  return { ready: problems.length === 0, problems, workers };
}
