import { z } from "zod";
import { DELIVERIES } from "../job/generation-job.ts";
import { describeValue, isRecord, type FieldFault } from "../platform/field-fault.ts";
import { oneOf } from "../platform/one-of.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { whatIsWrongWithCron } from "./cron.ts";
import { MISFIRE_POLICIES, SCHEDULED_KINDS, type Schedule, type Timing, type Topic } from "./schedule.ts";
import { whatIsWrongWithTimeZone } from "./time-zone.ts";

/*
 * `schedule` and `behavior.post_frequency` of an agent file, as people write them. Every message is the second half of
 * "got X; expected <message>".
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 3600_000;
const DAY_MINUTES = 24 * 60;
/** Of one agent; all of them travel through Redis. */
export const MOST_TOPICS = 10_000;
const LEAST_HOURS = 0.25;
const MOST_HOURS = 168;

const cron = z.string({ error: 'text such as "0 9,17 * * 1-5"' }).superRefine((value, context) => {
  const wrong = whatIsWrongWithCron(value);
  if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong.expected, params: { got: wrong.got } });
});

const timezone = z.string({ error: 'text such as "Europe/Berlin"' }).superRefine((value, context) => {
  const expected = whatIsWrongWithTimeZone(value);
  if (expected !== undefined) context.addIssue({ code: "custom", message: expected });
});

const topicError = 'a text that is not blank, or an object with a "topic" such as {"topic": "fog", "mood": "calm"}';
const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";
const topic = z.custom<string | Topic>((value) => isText(value) || (isRecord(value) && isText(value["topic"])), {
  error: topicError,
});

const fileError =
  'the name of a *.txt, *.csv or *.jsonl file beside the agent\'s or in a folder below, e.g. "topics.txt"';
const topicsFile = z.string({ error: fileError }).refine(isTopicsFileName, { error: fileError });

/** Workers read it again when it changes: a name out of Redis must not lead them to any other file. */
export function isTopicsFileName(name: string): boolean {
  const parts = name.split("/");
  return (
    /\.(?:txt|csv|jsonl)$/i.test(name) && !parts.some((part) => part === "" || part === "..") && !/[\\\0]/.test(name)
  );
}

function nameFrom<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: ({ input }) => oneOf(String(input), names) });
}

function minutesFrom(min: number, max: number): z.ZodNumber {
  const error = `minutes, a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export const scheduleFileSchema = strictObject({
  cron: cron.optional(),
  timezone: timezone.optional(),
  topics: z
    .array(topic, { error: "a list of topics" })
    .min(1, { error: "at least one topic, or no such field" })
    .max(MOST_TOPICS, { error: `at most ${MOST_TOPICS} topics` })
    .optional(),
  topics_file: topicsFile.optional(),
  misfire: nameFrom(MISFIRE_POLICIES).optional(),
  max_delay_minutes: minutesFrom(1, 30 * DAY_MINUTES).optional(),
  kind: nameFrom(SCHEDULED_KINDS).optional(),
  deadline_minutes: minutesFrom(1, 30 * DAY_MINUTES).optional(),
  delivery: nameFrom(DELIVERIES).optional(),
  enabled: z.boolean({ error: "true or false" }).optional(),
});

const hoursError = `hours, a number from ${LEAST_HOURS} to ${MOST_HOURS}`;
const hours = z.number({ error: hoursError }).min(LEAST_HOURS, { error: hoursError }).max(MOST_HOURS, {
  error: hoursError,
});
const hourError = "an hour of the day, an integer from 0 to 23";

/** The original system's field. What else is in its `behavior` belongs to other parts of it. */
export const behaviorSchema = strictObject({
  post_frequency: strictObject({
    min_hours_between_posts: hours,
    max_hours_between_posts: hours,
    peak_posting_hours: z
      .array(z.int({ error: hourError }).min(0, { error: hourError }).max(23, { error: hourError }), {
        error: "a list of hours",
      })
      .optional(),
    timezone: timezone.optional(),
  }).optional(),
});

interface ScheduledFile {
  readonly id: string;
  readonly schedule?: z.output<typeof scheduleFileSchema> | undefined;
  readonly behavior?: z.output<typeof behaviorSchema> | undefined;
}

/** Fills in the defaults. `null`: the agent posts when it is told to. The topics of a file are still to be read. */
export function compileSchedule({ id, schedule = {}, behavior }: ScheduledFile): Schedule | null {
  const timing = timingOf(schedule, behavior?.post_frequency);
  if (timing === null) return null;
  const { topics = [], topics_file, misfire, max_delay_minutes, kind, deadline_minutes, delivery, enabled } = schedule;
  return {
    agentId: id,
    enabled: enabled ?? true,
    timing,
    topics: topics.map((one) => (typeof one === "string" ? { topic: one } : one)),
    topicsFile: topics_file ?? null,
    misfire: misfire ?? "latest",
    maxDelayMs: millisecondsOf(max_delay_minutes),
    kind: kind ?? "tweet",
    deadlineMs: millisecondsOf(deadline_minutes),
    delivery: delivery ?? "live",
  };
}

function timingOf(
  schedule: NonNullable<ScheduledFile["schedule"]>,
  frequency: NonNullable<ScheduledFile["behavior"]>["post_frequency"],
): Timing | null {
  if (schedule.cron !== undefined) {
    return { type: "cron", expression: schedule.cron.trim(), timezone: schedule.timezone ?? "UTC" };
  }
  if (frequency === undefined) return null;
  return {
    type: "frequency",
    minMs: wholeSeconds(frequency.min_hours_between_posts * HOUR_MS),
    maxMs: wholeSeconds(frequency.max_hours_between_posts * HOUR_MS),
    peakHours: [...new Set(frequency.peak_posting_hours)].sort((a, b) => a - b),
    timezone: frequency.timezone ?? "UTC",
  };
}

/** Slots are whole seconds. */
function wholeSeconds(ms: number): number {
  return Math.round(ms / 1000) * 1000;
}

function millisecondsOf(minutes: number | undefined): number | null {
  return minutes === undefined ? null : Math.round(minutes * MINUTE_MS);
}

/** What is wrong between fields, whatever else is wrong with them. */
export function findScheduleFaults(value: unknown): FieldFault[] {
  const { schedule, behavior } = isRecord(value) ? value : {};
  const frequency = isRecord(behavior) ? behavior["post_frequency"] : undefined;
  return [...(isRecord(schedule) ? betweenFields(schedule, frequency) : []), ...orderFaults(frequency)];
}

function betweenFields(schedule: Readonly<Record<string, unknown>>, frequency: unknown): FieldFault[] {
  const has = (name: string): boolean => schedule[name] !== undefined;
  const faults: FieldFault[] = [];
  if (has("cron") && frequency !== undefined)
    faults.push(fault("cron", "a cron expression beside behavior.post_frequency", "one of the two"));
  if (!has("cron") && frequency === undefined)
    faults.push(fault(null, "no times", 'cron, e.g. "0 9,17 * * 1-5", or behavior.post_frequency'));
  if (!has("cron") && frequency !== undefined && has("timezone"))
    faults.push(fault("timezone", "a time zone without cron", "it in behavior.post_frequency.timezone"));
  if (has("topics") && has("topics_file"))
    faults.push(fault("topics_file", "a file beside a list of topics", "one of the two"));
  return faults;
}

function fault(name: string | null, got: string, expected: string): FieldFault {
  return { path: name === null ? ["schedule"] : ["schedule", name], got, expected };
}

function orderFaults(frequency: unknown): FieldFault[] {
  if (!isRecord(frequency)) return [];
  const { min_hours_between_posts: min, max_hours_between_posts: max } = frequency;
  if (typeof min !== "number" || typeof max !== "number" || min <= max) return [];
  const expected = `at least min_hours_between_posts, which is ${min}`;
  return [{ path: ["behavior", "post_frequency", "max_hours_between_posts"], got: describeValue(max), expected }];
}
