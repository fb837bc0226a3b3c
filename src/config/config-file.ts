import { z } from "zod";
import type { Urgency } from "../job/generation-job.ts";
import { priceEntrySchema } from "../models/price-entry.ts";
import { strictObject } from "../platform/zod-faults.ts";

const DAY_MS = 24 * 3600_000;

const seconds = (fallback: number) => z.number().positive().max(86_400).default(fallback);
const days = (fallback: number) => z.number().positive().max(3650).default(fallback);
const share = z.number().min(0).max(1).default(0);
const milliseconds = z.number().nonnegative().max(600_000);

/**
 * The optional JSON file named by `PUPPET_ENGINE_CONFIG`: what is too large for an environment variable. Every field has
 * a default; unknown ones are refused.
 */
export const configFileSchema = strictObject({
  retries: strictObject({
    /** Attempts per provider that failures may spend. */
    attempts: z.int().min(1).max(10).default(3),
    /** Provider calls per job over everything. */
    maxCalls: z.int().min(1).max(12).default(12),
    /** Full-jitter back-off: the first wait is at most this long … */
    baseSeconds: seconds(1),
    /** … and no wait is longer than this. */
    capSeconds: seconds(10),
    /** Ask the fall-back when a provider refuses for content. */
    failOverOnContentFilter: z.boolean().default(false),
  }).prefault({}),
  /** How long a job may wait for a provider without spending an attempt, by urgency. */
  maxWaitSeconds: strictObject({ reply: seconds(60), scheduled: seconds(900), bulk: seconds(86_400) } satisfies Record<
    Urgency,
    z.ZodType
  >).prefault({}),
  /** How long a provider is left alone that is out of money, refuses the key or does not know the model. */
  pauseSeconds: seconds(300),
  retention: strictObject({
    /** Results and the claims of their ids. */
    resultsDays: days(7),
    countersDays: days(400),
    usageRowsDays: days(7),
    /** At most (about) so many usage rows. */
    usageRows: z.int().positive().max(100_000_000).default(500_000),
  }).prefault({}),
  worker: strictObject({
    /** How long calls in flight may take after SIGTERM. */
    graceSeconds: seconds(30),
    /** Serve only these lanes; all when absent. */
    lanes: z.array(z.string().min(1)).nonempty().optional(),
  }).prefault({}),
  /** Hosts that may be reached over plain http:// or have a private address. */
  trustedEndpointHosts: z.array(z.string().min(1)).default([]),
  /** The fake provider: it can be told to be slow, to fail or to refuse. */
  fake: strictObject({
    seed: z.string().default("fake"),
    latencyMs: z.union([milliseconds, strictObject({ min: milliseconds, max: milliseconds })]).default(0),
    failureRate: share,
    refuseRate: share,
  }).prefault({}),
  /** Prices that win over the shipped ones. */
  prices: z.array(priceEntrySchema).default([]),
});

export type ConfigFile = z.output<typeof configFileSchema>;

export const DEFAULT_CONFIG: ConfigFile = configFileSchema.parse({});

export function retentionOf({ retention }: ConfigFile): {
  resultsMs: number;
  countersMs: number;
  usageRowsMs: number;
  usageRows: number;
} {
  return {
    resultsMs: retention.resultsDays * DAY_MS,
    countersMs: retention.countersDays * DAY_MS,
    usageRowsMs: retention.usageRowsDays * DAY_MS,
    usageRows: retention.usageRows,
  };
}
