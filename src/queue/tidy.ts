import type { RedisClient } from "../platform/redis-client.ts";
import { forgetLimits, trimUsageRows, type SweeperOptions } from "../admission/sweeper.ts";
import type { Clock } from "../platform/clock.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { readLanes } from "./lane.ts";

/** Finished jobs kept for Bull Board, of each lane; results live in their terminal records. Seconds. */
export const KEEP_COMPLETED = { count: 1000, age: 24 * 3600 };
export const KEEP_FAILED = { count: 10_000, age: 7 * 24 * 3600 };

export interface TidyOptions extends Pick<SweeperOptions, "namespace" | "retention"> {
  readonly redis: RedisClient;
  readonly queues: LaneQueues;
  readonly clock: Pick<Clock, "now">;
}

/** Finished jobs removed in one step. */
const SLICE = 500;

/** Drops what only age makes superfluous: nothing else happens that could be an occasion for it. */
export async function tidy(options: TidyOptions): Promise<void> {
  await trimUsageRows(options);
  await forgetLimits(options);
  for (const { name } of await readLanes(options.redis, options.namespace)) await tidyLane(name, options);
}

/** BullMQ drops finished jobs when the next one of their lane finishes: in a quiet lane that may be never. */
async function tidyLane(lane: string, { redis, queues, clock }: TidyOptions): Promise<void> {
  const queue = queues.get(lane);
  for (const [set, { age }] of [
    ["completed", KEEP_COMPLETED],
    ["failed", KEEP_FAILED],
  ] as const) {
    const ageMs = age * 1000;
    const overdue = async (): Promise<number> => await redis.zcount(queue.toKey(set), "-inf", clock.now() - ageMs);
    for (let left = await overdue(); left > 0; left -= SLICE) await queue.clean(ageMs, SLICE, set);
  }
}
