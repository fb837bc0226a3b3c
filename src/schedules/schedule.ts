import { z } from "zod";
import { DELIVERIES, type Delivery } from "../job/generation-job.ts";
import { isPlainObject, type JsonObject } from "../job/json-value.ts";

/** What becomes of slots that nobody was there for. `latest`: the newest is made up for; `all`: each, at most 24. */
export const MISFIRE_POLICIES = ["skip", "latest", "all"] as const;
export type MisfirePolicy = (typeof MISFIRE_POLICIES)[number];

/** Kinds of job that need nobody to ask for them. */
export const SCHEDULED_KINDS = ["tweet"] as const;
export type ScheduledKind = (typeof SCHEDULED_KINDS)[number];

/** When an agent posts. The moments are called slots: epoch ms, whole seconds. */
export type Timing =
  | { readonly type: "cron"; readonly expression: string; readonly timezone: string }
  | {
      readonly type: "frequency";
      /** From one slot to the next, at least … */
      readonly minMs: number;
      /** … and at most. */
      readonly maxMs: number;
      /** Hours of the day (0–23) in the time zone. */
      readonly peakHours: readonly number[];
      readonly timezone: string;
    };

/** What a post is about: the context of its job, with at least a `topic`. */
export type Topic = JsonObject;

/** When an agent posts by itself, and about what. Defaults are filled in. */
export interface Schedule {
  readonly agentId: string;
  readonly enabled: boolean;
  readonly timing: Timing;
  /** Empty: what the agent likes to write about. */
  readonly topics: readonly Topic[];
  /** The file that the topics are from, relative to the agent's. */
  readonly topicsFile: string | null;
  readonly misfire: MisfirePolicy;
  /** A slot that is later than this is not made up for; `null`: however late. */
  readonly maxDelayMs: number | null;
  readonly kind: ScheduledKind;
  /** From its slot on a post may be written so long; `null`: for ever. */
  readonly deadlineMs: number | null;
  readonly delivery: Delivery;
}

const timing: z.ZodType<Timing> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("cron"), expression: z.string(), timezone: z.string() }),
  z.object({
    type: z.literal("frequency"),
    minMs: z.int().positive(),
    maxMs: z.int().positive(),
    peakHours: z.array(z.int().min(0).max(23)),
    timezone: z.string(),
  }),
]);

const durationMs = z.int().nonnegative().nullable();

/** As it stands in Redis, where anybody with access can write. */
export const scheduleSchema: z.ZodType<Schedule> = z.object({
  agentId: z.string(),
  enabled: z.boolean(),
  timing,
  topics: z.array(z.custom<Topic>(isPlainObject)),
  topicsFile: z.string().nullable(),
  misfire: z.enum(MISFIRE_POLICIES),
  maxDelayMs: durationMs,
  kind: z.enum(SCHEDULED_KINDS),
  deadlineMs: durationMs,
  delivery: z.enum(DELIVERIES),
});
