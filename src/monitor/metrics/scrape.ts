import type { BudgetRules } from "../../admission/limit-policy.ts";
import type { RedisClient } from "../../platform/redis-client.ts";
import type { LaneState } from "../../queue/lane-states.ts";
import type { Family } from "./exposition.ts";
import type { UsageSource } from "./usage-source.ts";

/** What metrics are made from. Everything is read anew, so any number of monitors say the same. */
export interface Scrape {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly lanes: readonly LaneState[];
  readonly usage: UsageSource;
  readonly budgets: BudgetRules;
  /** Epoch ms. */
  readonly now: number;
}

/** Metrics that are read together. All groups are read at once. */
export type MetricGroup = (scrape: Scrape) => Promise<readonly Family[]>;
