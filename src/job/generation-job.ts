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
import { toProblems } from "../platform/field-fault.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { strictObject, zodFaults } from "../platform/zod-faults.ts";

export const JOB_KINDS = ["tweet", "reply", "content"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Who waits for the text: it decides the order within a lane and how long a job may wait for a provider. */
export const URGENCIES = ["reply", "scheduled", "bulk"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** The largest job accepted, as UTF-8 bytes of its JSON. */
export const MAX_JOB_BYTES = 256 * 1024;

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

function badCharacterOffset(text: string): number {
  const nul = text.indexOf("\0");
  return nul === -1 ? text.search(LONE_SURROGATE) : nul;
}

const text = z.string({ error: "text" }).superRefine((value, context) => {
  const offset = badCharacterOffset(value);
  if (offset === -1) return;
  const what = value[offset] === "\0" ? "NUL" : "a lone surrogate";
  context.addIssue({
    code: "custom",
    message: `text without NUL or lone surrogates`,
    params: { got: `${what} at offset ${offset}` },
  });
});

const writtenText = text.refine((value) => value.trim() !== "", { error: "text that is not empty" });

const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const SECRET_KEY = /^(?:.*_)?api_?key$/i;

const contextKey = z
  .string()
  .max(128)
  .superRefine((key, context) => {
    if (FORBIDDEN_KEYS.has(key)) context.addIssue({ code: "custom", message: "another name: this one is reserved" });
    if (SECRET_KEY.test(key))
      context.addIssue({ code: "custom", message: "no key here: keys live in the environment or in mounted files" });
  });

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

const jsonValue: z.ZodType<JsonValue> = z.lazy(() =>
  z.union([text, z.number(), z.boolean(), z.null(), z.array(jsonValue), z.record(contextKey, jsonValue)], {
    error: "JSON: text without NUL or lone surrogates, finite numbers, lists, objects without reserved names or keys",
  }),
);

const context = z.record(contextKey, jsonValue, { error: "an object" }).default({});

const historyMessageError = 'a list of messages, each text or an object {"author", "text"}';

/** One earlier message of a conversation; a bare string is a message whose author is not known. */
const historyMessage = z.union(
  [
    text.transform((value) => ({ author: null, text: value })),
    strictObject({ author: text.nullable().default(null), text }),
  ],
  { error: historyMessageError },
);
export type HistoryMessage = z.output<typeof historyMessage>;

/** Ids that people choose. Integers such as 42 are fine: they become strings. */
const jobId = z
  .union([z.string(), z.int().nonnegative().transform(String)], { error: "a string of A–Z a–z 0–9 _ -, or an integer" })
  .pipe(z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, { error: "1–128 characters of A–Z a–z 0–9 _ -" }));

const agentIdError = "the id of an agent: 1–128 characters of A–Z a–z 0–9 _ -";
const agentId = z.string({ error: agentIdError }).regex(/^[A-Za-z0-9_-]{1,128}$/, { error: agentIdError });

const common = {
  id: jobId.optional(),
  urgency: z.enum(URGENCIES, { error: `one of ${URGENCIES.join(", ")}` }).optional(),
  context,
};

const tweetInput = strictObject({ kind: z.literal("tweet"), agent: agentId, ...common });
const replyInput = strictObject({
  kind: z.literal("reply"),
  agent: agentId,
  mention: writtenText,
  conversation_history: z
    .union([z.array(historyMessage), text.transform((value) => [{ author: null, text: value }])], {
      error: historyMessageError,
    })
    .default([]),
  ...common,
});
const contentInput = strictObject({
  kind: z.literal("content"),
  prompt: writtenText,
  agent: agentId.optional(),
  ...common,
});

const jobInputSchema = z.preprocess(
  liftConversationHistory,
  z.discriminatedUnion("kind", [tweetInput, replyInput, contentInput], { error: discriminatorMessage }),
);

/** The source passes the history inside `context`; it is accepted there too, and means the same. */
function liftConversationHistory(input: unknown): unknown {
  if (typeof input !== "object" || input === null) return input;
  const job = input as { kind?: unknown; context?: unknown; conversation_history?: unknown };
  if (job.kind !== "reply" || typeof job.context !== "object" || job.context === null) return input;
  if (!("conversation_history" in job.context) || job.conversation_history !== undefined) return input;
  const { conversation_history, ...rest } = job.context as Record<string, unknown>;
  return { ...job, context: rest, conversation_history };
}

function discriminatorMessage(issue: { code?: string }): string | undefined {
  return issue.code === "invalid_union" ? `one of ${JOB_KINDS.join(", ")}` : undefined;
}

/** What a producer passes in. `agent` is optional for `content` only. */
export type JobInput = z.input<typeof tweetInput> | z.input<typeof replyInput> | z.input<typeof contentInput>;

/** A checked job input, defaults filled in. */
export type ParsedJobInput = z.output<typeof tweetInput> | z.output<typeof replyInput> | z.output<typeof contentInput>;

/**
 * Checks a job input.
 * @param source what errors call it, e.g. `job` or `topics.csv`
 * @param line its physical line in `source`, when there is one
 * @throws InvalidInputError with every problem
 */
export function parseJobInput(input: unknown, source = "job", line?: number): ParsedJobInput {
  const at = line === undefined ? { source } : { source, line };
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? "");
  if (bytes > MAX_JOB_BYTES) {
    throw new InvalidInputError([
      { ...at, path: "", got: `${bytes} bytes`, expected: `at most ${MAX_JOB_BYTES} bytes (256 KiB)` },
    ]);
  }
  const parsed = jobInputSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(toProblems(zodFaults(parsed.error, input), { source, lineOf: () => line }));
}

/** A job as it travels through the queue: references and parameters, never keys. Version 1 of its schema. */
export interface GenerationJob {
  readonly version: 1;
  readonly id: string;
  readonly agentId: string;
  /** Content hash of the agent snapshot that this job runs. */
  readonly snapshot: string;
  /** Which of the agent's rotating prompts is next; 0 when it has none. */
  readonly turn: number;
  readonly urgency: Urgency;
  /** Epoch ms, clock of the producer. */
  readonly enqueuedAt: number;
  readonly input: JobPayload;
}

/** The part of a job that decides what is written, and that its identity is checked by. */
export type JobPayload =
  | { readonly kind: "tweet"; readonly context: Readonly<Record<string, JsonValue>> }
  | {
      readonly kind: "reply";
      readonly mention: string;
      readonly conversationHistory: readonly HistoryMessage[];
      readonly context: Readonly<Record<string, JsonValue>>;
    }
  | { readonly kind: "content"; readonly prompt: string; readonly context: Readonly<Record<string, JsonValue>> };

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
    case "content":
      return { kind: "content", prompt: input.prompt, context: input.context };
  }
}

const payloadSchema: z.ZodType<JobPayload> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("tweet"), context: z.record(contextKey, jsonValue) }),
  z.object({
    kind: z.literal("reply"),
    mention: writtenText,
    conversationHistory: z.array(z.object({ author: text.nullable(), text })),
    context: z.record(contextKey, jsonValue),
  }),
  z.object({ kind: z.literal("content"), prompt: writtenText, context: z.record(contextKey, jsonValue) }),
]);

/** What a worker accepts from the queue: checked again, because anybody with Redis access can write there. */
export const generationJobSchema: z.ZodType<GenerationJob> = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  agentId,
  snapshot: z.string().regex(/^[0-9a-f]{32}$/),
  turn: z.int().nonnegative(),
  urgency: z.enum(URGENCIES),
  enqueuedAt: z.number(),
  input: payloadSchema,
});
