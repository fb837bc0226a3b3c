import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { lanePrefix } from "./lane.ts";

/** The producing side of lanes, opened when first used. */
export interface LaneQueues {
  get(laneName: string): Queue;
  close(): Promise<void>;
}

export function createLaneQueues(redis: Redis, namespace: string): LaneQueues {
  const queues = new Map<string, Queue>();
  return {
    get(laneName) {
      const known = queues.get(laneName);
      if (known !== undefined) return known;
      const queue = new Queue(laneName, { connection: redis, prefix: lanePrefix(namespace, laneName) });
      // Commands report what went wrong; without a listener the process would end.
      queue.on("error", () => undefined);
      queues.set(laneName, queue);
      return queue;
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
