import { Queue, type Telemetry } from "bullmq";
import type { RedisClient } from "../platform/redis-client.ts";
import { lanePrefix } from "./lane.ts";

/** Nobody of ours listens to BullMQ's events; tools that do are live. They hold texts, of every lane so many. */
const KEPT_EVENTS = 1000;

/** The producing side of lanes, opened when first used. */
export interface LaneQueues {
  get(laneName: string): Queue;
  close(): Promise<void>;
}

/** @param telemetry makes spans of what is added; default: none are made */
export function createLaneQueues(redis: RedisClient, namespace: string, telemetry?: Telemetry): LaneQueues {
  const queues = new Map<string, Queue>();
  const traced = telemetry === undefined ? {} : { telemetry };
  return {
    get(laneName) {
      const known = queues.get(laneName);
      if (known !== undefined) return known;
      const queue = new Queue(laneName, {
        connection: redis,
        prefix: lanePrefix(namespace, laneName),
        streams: { events: { maxLen: KEPT_EVENTS } },
        ...traced,
      });
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
