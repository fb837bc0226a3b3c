/**
 * The project's terms, defined once:
 *
 * - *job*: the queued unit: one text to write.
 * - *attempt*: one call of a provider, counted from 1 over the whole job.
 * - *retry*: a later attempt on the same provider. *fail over*: go on to the next provider of the agent's chain.
 * - *chain*: an ordered list of provider + model. *lane*: the queue of all jobs with the same chain.
 * - *agent*: named settings that own a chain. Jobs run a *snapshot*: the agent as it was when the job was enqueued.
 * - *producer*: enqueues. *worker*: a process that handles jobs.
 * - *claim*: the record that a job id is taken, written before the job is queued. *terminal record*: its final result.
 * - *intent*: the note, written before a call, that it is about to be made. *orphan*: an intent whose worker died.
 * - *generation*: 1, and one more for every deliberate retry of a finished job.
 * - *stalled*: a worker lost its lock on a job, and the job may run again.
 * - *usage*: tokens. *cost*: money. *finish reason*: why the model stopped.
 */
import { z } from "zod";
import { isNestedTooDeeply } from "../platform/refused-names.ts";
import { deadlineAt } from "./deadline.ts";
import {
  DELIVERIES,
  ID,
  ID_CHARACTERS,
  URGENCIES,
  agentId,
  context,
  posts,
  text,
  writtenText,
  type Delivery,
  type HistoryMessage,
  type ParsedJobInput,
  type Urgency,
} from "./job-input.ts";
import { sizeFaults } from "./job-size.ts";
import { findJsonFaults, type JsonObject } from "./json-value.ts";

export type { JsonValue } from "./json-value.ts";
export {
  DELIVERIES,
  JOB_KINDS,
  URGENCIES,
  isCheckedJob,
  jobId,
  parseJobInput,
  withSettings,
  type Delivery,
  type HistoryMessage,
  type JobInput,
  type JobKind,
  type ParsedJobInput,
  type TweetInput,
  type Urgency,
} from "./job-input.ts";

/** The version that is written; every earlier one is read. A worker parks jobs of a later one. */
export const JOB_VERSION = 2;

/** A job as it travels through the queue: references and parameters, never keys. Version 2 of its schema; 1 had no delivery, cache, run. */
export interface GenerationJob {
  readonly version: 1 | 2;
  readonly id: string;
  readonly agentId: string;
  /** Content hash of the agent snapshot that this job runs. */
  readonly snapshot: string;
  /** Which of the agent's rotating prompts is next; 0 when it has none. */
  readonly turn: number;
  readonly urgency: Urgency;
  /** Epoch ms, clock of the producer. */
  readonly enqueuedAt: number;
  /** Epoch ms: no call is begun from then on; `null`: it has no deadline. */
  readonly deadlineAt: number | null;
  /** Absent: live. */
  readonly delivery?: Delivery | undefined;
  /** Absent: as the agent says. */
  readonly cache?: boolean | undefined;
  /** The bulk run that it belongs to. */
  readonly run?: string | undefined;
  readonly input: JobPayload;
}

/** The part of a job that decides what is written, and that its identity is checked by. */
export type JobPayload =
  | { readonly kind: "tweet"; readonly context: JsonObject }
  | {
      readonly kind: "reply";
      readonly mention: string;
      readonly conversationHistory: readonly HistoryMessage[];
      readonly context: JsonObject;
    }
  | {
      readonly kind: "quote";
      readonly quoted: string;
      readonly author: string | null;
      readonly context: JsonObject;
    }
  | { readonly kind: "thread"; readonly posts: number; readonly context: JsonObject }
  | { readonly kind: "content"; readonly prompt: string; readonly context: JsonObject };

export function payloadOf(input: ParsedJobInput): JobPayload {
  switch (input.kind) {
    case "tweet":
      return { kind: "tweet", context: input.context };
    case "reply":
      return {
        kind: "reply",
        mention: input.mention,
        conversationHistory: input.conversation_history,
        context: input.context,
      };
    case "quote":
      return { kind: "quote", quoted: input.quoted, author: input.author, context: input.context };
    case "thread":
      return { kind: "thread", posts: input.posts, context: input.context };
    case "content":
      return { kind: "content", prompt: input.prompt, context: input.context };
  }
}

const payloadSchema: z.ZodType<JobPayload> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("tweet"), context }),
  z.object({
    kind: z.literal("reply"),
    mention: writtenText,
    conversationHistory: z.array(z.object({ author: text.nullable(), text })),
    context,
  }),
  z.object({ kind: z.literal("quote"), quoted: writtenText, author: text.nullable(), context }),
  z.object({ kind: z.literal("thread"), posts, context }),
  z.object({ kind: z.literal("content"), prompt: writtenText, context }),
]);

const queuedJobSchema: z.ZodType<GenerationJob> = z.object({
  version: z.union([z.literal(1), z.literal(2)]),
  id: z.string().regex(ID, { error: ID_CHARACTERS }),
  agentId,
  snapshot: z.string().regex(/^[0-9a-f]{32}$/, { error: "32 hex digits" }),
  turn: z.int().nonnegative(),
  urgency: z.enum(URGENCIES),
  enqueuedAt: z.number(),
  deadlineAt,
  delivery: z.enum(DELIVERIES).optional(),
  cache: z.boolean().optional(),
  run: z.string().regex(ID, { error: ID_CHARACTERS }).optional(),
  input: payloadSchema,
});

/** What checking adds to a job at the most: empty fields, ids and hashes. */
const DEFAULTS_BYTES = 1024;

/** With bare texts for messages of nobody in particular, as people enter them: the size is judged by that form. */
function asEntered(job: unknown): unknown {
  const input = (job as { input?: { conversationHistory?: unknown } } | null)?.input;
  if (!Array.isArray(input?.conversationHistory)) return job;
  const history = input.conversationHistory.map((message: Partial<HistoryMessage> | null) =>
    message?.author === null ? message.text : message,
  );
  return { ...(job as object), input: { ...input, conversationHistory: history } };
}

const checkedJson = z.unknown().superRefine((value, { addIssue }) => {
  const faults = isNestedTooDeeply(value)
    ? [{ path: [], got: "more than 32 nested levels", expected: "at most 32 levels" }]
    : [...sizeFaults(asEntered(value), DEFAULTS_BYTES), ...findJsonFaults(value)];
  for (const { path, got, expected } of faults) {
    addIssue({ code: "custom", path: [...path], message: expected, params: { got } });
  }
});

/** What a worker accepts from the queue: checked again, because anybody with Redis access can write there. */
export const generationJobSchema: z.ZodType<GenerationJob> = checkedJson.pipe(queuedJobSchema);
