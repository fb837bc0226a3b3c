import type { Redis } from "ioredis";
import { countWorkers } from "../admission/sweeper.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Everything that keeps jobs from being taken or kept, one line each, with its remedy. */
  readonly problems: readonly string[];
  readonly workers: number;
}

/** A Redis that does not answer within this time is not reachable. */
const PATIENCE_MS = 3000;

/** Whether jobs can be accepted, kept and worked off now. Never throws. */
export async function checkReadiness(redis: Redis, namespace: string): Promise<Readiness> {
  const given = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS).unref();
  });
  try {
    return await Promise.race([look(redis, namespace), given]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "no answer";
    return { ready: false, problems: [`Redis is not reachable: ${reason}`], workers: 0 };
  }
}

async function look(redis: Redis, namespace: string): Promise<Readiness> {
  const { warnings } = await inspectRedis(redis);
  const refusal = await whyNotWritable(redis, namespace);
  const workers = await countWorkers(redis, namespace);
  const problems = [
    ...warnings,
    ...(refusal === null ? [] : [`Redis refuses to write: ${refusal}`]),
    ...(workers === 0 ? ["no worker is running; start one with `puppet-engine worker`"] : []),
  ];
  return { ready: problems.length === 0, problems, workers };
}

async function whyNotWritable(redis: Redis, namespace: string): Promise<string | null> {
  try {
    await redis.set(`{${namespace}}:probe`, "1", "PX", 10_000);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : "unknown";
  }
}
