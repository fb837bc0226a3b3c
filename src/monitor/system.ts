import type { BudgetRules, ConfiguredLimits } from "../admission/limit-policy.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import type { LaneQueues } from "../queue/lane-queues.ts";
import type { Producer } from "../queue/producer.ts";

/** The running system as the monitor sees and steers it. */
export interface MonitorSystem {
  /** For what is read by hand: fails fast, and travels together. */
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly queues: LaneQueues;
  /** Knows the agents of this process's configuration. */
  readonly producer: Producer;
  readonly budgets: BudgetRules;
  /** Those of the configuration. */
  readonly limits: readonly ConfiguredLimits[];
  /** Ids of those that the configuration knows. */
  readonly providers: readonly string[];
}
