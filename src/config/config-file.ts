import { z } from "zod";
import type { Urgency } from "../job/generation-job.ts";
import { modelOverridesSchema } from "../models/models-file.ts";
import { priceEntrySchema } from "../models/price-entry.ts";
import { RETIRED_MODELS } from "../models/retirement.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { alerts } from "./alerts-schema.ts";
import { batch } from "./batch-schema.ts";
import { endpoints } from "./endpoints-schema.ts";
import { breaker, budgets, limitGroups, limits } from "./limits-schema.ts";
import { variety } from "./variety-schema.ts";
import { integerFrom, listOf, numberFrom, seconds, share, text } from "./schema-parts.ts";

const DAY_MS = 24 * 3600_000;

const days = (fallback: number) => numberFrom(0.001, 3650, "days, a number").default(fallback);
const milliseconds = numberFrom(0, 600_000, "milliseconds, a number");
const latency = z
  .union([milliseconds, strictObject({ min: milliseconds, max: milliseconds })], {
    error: 'milliseconds, a number from 0 to 600000, or {"min": 100, "max": 900}',
  })
  .refine((value) => typeof value === "number" || value.min <= value.max, { error: "min not above max" });

const hostError = "a host name or an IP address, without https://, port and path";
/** IPv6 addresses stand in brackets, as in a URL. */
const host = z.string({ error: hostError }).regex(/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/, { error: hostError });

/**
 * The optional JSON file named by `PUPPET_ENGINE_CONFIG`: what is too large for an environment variable. Every field has
 * a default; unknown ones are refused.
 */
export const configFileSchema = strictObject({
  retries: strictObject({
    /** Attempts per provider that failures may spend. */
    attempts: integerFrom(1, 10).default(3),
    /** Provider calls per job over everything. */
    maxCalls: integerFrom(1, 12).default(12),
    /** Full-jitter back-off: the first wait is at most this long … */
    baseSeconds: seconds(1),
    /** … and no wait is longer than this. */
    capSeconds: seconds(10),
    /** Ask the fall-back when a provider refuses for content. */
    failOverOnContentFilter: z.boolean({ error: "true or false" }).default(false),
    /** Failures of a provider after which the fall-back is asked before the provider's remaining attempts, by urgency. */
    failOverAfter: strictObject({
      reply: integerFrom(1, 10).default(1),
      scheduled: integerFrom(1, 10).default(3),
      bulk: integerFrom(1, 10).default(3),
    } satisfies Record<Urgency, z.ZodType>).prefault({}),
  }).prefault({}),
  /** How long a job may wait for a provider without spending an attempt, by urgency. */
  maxWaitSeconds: strictObject({ reply: seconds(60), scheduled: seconds(900), bulk: seconds(86_400) } satisfies Record<
    Urgency,
    z.ZodType
  >).prefault({}),
  /** How long a provider is left alone that is out of money, refuses the key or does not know the model. */
  pauseSeconds: seconds(300),
  /** The vendors' limits, where they are known beforehand. */
  limits,
  /** Which calls share a vendor's limits, where it is not as usual with that vendor. */
  limitGroups,
  /** When a limit group is left alone because too many of its calls fail. */
  breaker,
  /** How much may be spent. */
  budgets,
  retention: strictObject({
    /** Results and the claims of their ids. */
    resultsDays: days(7),
    countersDays: days(400),
    usageRowsDays: days(7),
    /** At most (about) so many usage rows. */
    usageRows: integerFrom(1, 100_000_000).default(500_000),
  }).prefault({}),
  /** Texts that are much like earlier ones are written anew. */
  variety,
  /** Delivery through the vendors' batch APIs. */
  batch,
  /** For jobs and agents that ask for earlier answers to the same request. */
  cache: strictObject({
    /** How long an answer may be given again. */
    ttlSeconds: numberFrom(1, 31_536_000, "seconds, a number").default(86_400),
    /** How much longer it may be given when every provider has failed. */
    serveStaleSeconds: numberFrom(0, 31_536_000, "seconds, a number").default(0),
  }).prefault({}),
  worker: strictObject({
    /** How long calls in flight may take after SIGTERM. */
    graceSeconds: seconds(30),
    /** Serve only these lanes; all when absent. */
    lanes: listOf(text, "lanes").min(1, { error: "at least one lane, or no such field" }).optional(),
  }).prefault({}),
  /** What programs may ask of the monitor's API. */
  monitor: strictObject({
    /** From one address with one token. */
    requestsPerMinute: integerFrom(1, 10_000_000).default(3000),
    /** Requests that wait for a result at the same time. */
    waitingRequests: integerFrom(1, 1_000_000).default(1000),
  }).prefault({}),
  /** Agents that post by themselves. */
  schedules: strictObject({
    /** Whether workers of this configuration look after them. */
    enabled: z.boolean({ error: "true or false" }).default(true),
  }).prefault({}),
  /** What is told of, and how often. Where it goes to is a secret, and so in the environment. */
  alerts,
  /** Providers of the operator's own: name → any server that speaks OpenAI's chat completions. */
  endpoints,
  /** Hosts that may be reached over plain http:// or have a private address. */
  trustedEndpointHosts: listOf(host, "hosts").default([]),
  /** The fake provider: it can be told to be slow, to fail or to refuse. */
  fake: strictObject({
    seed: z.string({ error: "text" }).default("fake"),
    latencyMs: latency.default(0),
    failureRate: share(0),
    refuseRate: share(0),
  }).prefault({}),
  /** Prices that win over the shipped ones. */
  prices: listOf(priceEntrySchema, "prices").default([]),
  /** Facts of models that win over the shipped ones. */
  models: modelOverridesSchema.prefault({}),
  /** What becomes of agents whose model is retired. `substitute`: the model that follows it is called instead. */
  retiredModels: z.enum(RETIRED_MODELS, { error: '"warn", "substitute" or "refuse"' }).default("warn"),
  /** How long the body of an answer may stand still, a stream's included. */
  idleSeconds: seconds(20),
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
    resultsMs: daysMs(retention.resultsDays),
    countersMs: daysMs(retention.countersDays),
    usageRowsMs: daysMs(retention.usageRowsDays),
    usageRows: retention.usageRows,
  };
}

/** Whole milliseconds: Redis takes no others. */
function daysMs(count: number): number {
  return Math.round(count * DAY_MS);
}
