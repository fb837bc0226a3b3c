import { controlKeys } from "../admission/keys.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** Counter field → value, of one agent, or of all together (`agentId` is ''). */
export interface CountedFields {
  readonly agentId: string;
  readonly fields: Readonly<Record<string, string>>;
}

const AGENTS_PER_ROUND_TRIP = 500;
const DAYS_PER_ROUND_TRIP = 50;

/** Days as `2026-11-23`, UTC. */
export interface CountedDays {
  readonly days: readonly string[];
  readonly byAgent: boolean;
}

/**
 * Tells the counters of each day to who adds them up; `position` is that of the day. They are not kept: of ten thousand
 * agents and a year they would not fit into memory.
 */
export async function visitCounters(
  { redis, namespace, days, byAgent }: CountedDays & { readonly redis: RedisClient; readonly namespace: string },
  visit: (counted: CountedFields, position: number) => void,
): Promise<void> {
  const keys = controlKeys(namespace);
  if (!byAgent) {
    await inSlices(days, DAYS_PER_ROUND_TRIP, async (slice, first) => {
      const read = await Promise.all(slice.map((day) => redis.hgetall(keys.usageDay(day))));
      read.forEach((fields, index) => visit({ agentId: "", fields }, first + index));
    });
    return;
  }
  for (const [position, day] of days.entries()) {
    await inSlices(await redis.smembers(keys.usageAgents(day)), AGENTS_PER_ROUND_TRIP, async (slice) => {
      const read = await Promise.all(slice.map((agentId) => redis.hgetall(keys.usageOfAgent(day, agentId))));
      read.forEach((fields, index) => visit({ agentId: slice[index] ?? "", fields }, position));
    });
  }
}

async function inSlices<Item>(
  items: readonly Item[],
  size: number,
  run: (slice: readonly Item[], first: number) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < items.length; first += size) await run(items.slice(first, first + size), first);
}
