/** What producers pass in, and how it is checked. The terms are defined in `generation-job.ts`. */
import { z } from "zod";
import { documentedAs } from "../platform/documented-as.ts";
import { refusedFirst, toProblems, type FieldFault } from "../platform/field-fault.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { isNestedTooDeeply } from "../platform/refused-names.ts";
import { strictObject, zodFaults } from "../platform/zod-faults.ts";
import { deadline } from "./deadline.ts";
import { sizeFaults } from "./job-size.ts";
import { findJsonFaults, isPlainObject, type JsonObject } from "./json-value.ts";

export const JOB_KINDS = ["tweet", "reply", "quote", "thread", "content"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Who waits for the text: it decides the order within a lane and how long a job may wait for a provider. */
export const URGENCIES = ["reply", "scheduled", "bulk"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** `batch`: through the vendor's batch API, at a discount, within a day. `live`: as soon as possible. */
export const DELIVERIES = ["live", "batch"] as const;
export type Delivery = (typeof DELIVERIES)[number];

export const text = z.string({ error: "text" });
export const writtenText = text.refine((value) => value.trim() !== "", { error: "text that is not empty" });

/** Its content is checked by `findJsonFaults`, with everything else in a job. */
export const context = documentedAs(z.custom<JsonObject>(isPlainObject, { error: "an object" }), {
  type: "object",
  description: "What the text should take into account: `topic`, `mood`, `recent_events` … Any JSON; no keys.",
  examples: [{ topic: "the smell of rain", mood: "calm" }],
});

const HISTORY_MESSAGE = {
  type: "object",
  properties: { author: { type: ["string", "null"] }, text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};

const historyMessageFields = strictObject(
  { author: text.nullable().default(null), text },
  'text, or an object {"author", "text"}',
);

/** One earlier message of a conversation; the author of a bare text is not known. */
const historyMessage = z.preprocess(
  (message) => (typeof message === "string" ? { author: null, text: message } : message),
  historyMessageFields,
);
export type HistoryMessage = z.output<typeof historyMessage>;

/** A single text is a conversation of one message. */
const conversationHistory = documentedAs(
  z.preprocess(
    (history) => (typeof history === "string" ? [history] : history),
    z.array(historyMessage, { error: "a list of messages" }),
  ),
  {
    description: "What was said before, oldest first. It may stand in `context` as well.",
    anyOf: [{ type: "string" }, { type: "array", items: { anyOf: [{ type: "string" }, HISTORY_MESSAGE] } }],
  },
);

export const ID = /^[A-Za-z0-9_-]{1,128}$/;
export const ID_CHARACTERS = "1–128 characters of A–Z a–z 0–9 _ -";

/** Ids that people choose. Integers such as 42 are fine: they become strings. */
const jobIdError = `${ID_CHARACTERS}, or an integer from 0 to ${Number.MAX_SAFE_INTEGER}`;
export const jobId = documentedAs(
  z
    .union([z.string(), z.int().nonnegative().transform(String)], { error: jobIdError })
    .pipe(z.string().regex(ID, { error: jobIdError })),
  {
    description: "Makes the job idempotent: the same id with the same content is the same job. Default: a random one.",
    anyOf: [
      { type: "string", pattern: ID.source },
      { type: "integer", minimum: 0 },
    ],
    examples: ["rain-1"],
  },
);

const agentIdError = `the id of an agent: ${ID_CHARACTERS}`;
export const agentId = z
  .string({ error: agentIdError })
  .regex(ID, { error: agentIdError })
  .describe("The id of an agent.");

const urgency = z
  .enum(URGENCIES, { error: ({ input }) => oneNameOf(URGENCIES, input) })
  .describe("Who waits. Default: `reply` for replies, else `scheduled`, or `bulk` for many at once.");
const delivery = z
  .enum(DELIVERIES, { error: ({ input }) => oneNameOf(DELIVERIES, input) })
  .describe("`batch`: through the vendor's batch API, at a discount, within a day. Default: `live`.");
const cache = z
  .boolean({ error: "true or false" })
  .describe("Whether an earlier answer to the very same request will do. Default: as its agent says.");

const common = {
  id: jobId.optional(),
  urgency: urgency.optional(),
  deadline: deadline.optional(),
  delivery: delivery.optional(),
  cache: cache.optional(),
  context: context.default({}),
};

const tweetInput = strictObject({ kind: z.literal("tweet"), agent: agentId, ...common });
const replyInput = strictObject({
  kind: z.literal("reply"),
  agent: agentId,
  mention: writtenText.describe("The post to answer."),
  conversation_history: conversationHistory.default([]),
  ...common,
});
const quoteInput = strictObject({
  kind: z.literal("quote"),
  agent: agentId,
  quoted: writtenText.describe("The text of the post that is shown and commented on."),
  author: text.nullable().default(null).describe("Whose post it is."),
  ...common,
});

/** X takes 25 posts in one go. */
const MOST_POSTS = 25;
const postsError = `how many posts, an integer from 2 to ${MOST_POSTS}`;
export const posts = z
  .int({ error: postsError })
  .min(2, { error: postsError })
  .max(MOST_POSTS, { error: postsError })
  .describe("How many posts.");
const DEFAULT_POSTS = 4;

const threadInput = strictObject({
  kind: z.literal("thread"),
  agent: agentId,
  posts: posts.default(DEFAULT_POSTS),
  ...common,
});
const contentInput = strictObject({
  kind: z.literal("content"),
  prompt: writtenText,
  agent: agentId.optional(),
  ...common,
});

/** Not all that is checked of a job: see `parseJobInput`. */
export const jobInputSchema = z.discriminatedUnion(
  "kind",
  [tweetInput, replyInput, quoteInput, threadInput, contentInput],
  { error: kindError },
);

/** Zod reports an unknown kind as an invalid union, and what is no object at all as an invalid type. */
function kindError(issue: { code?: string; input?: unknown }): string {
  if (issue.code !== "invalid_union") return "an object: the fields of one job";
  return oneNameOf(JOB_KINDS, (issue.input as { kind?: unknown }).kind);
}

function oneNameOf(names: readonly string[], given: unknown): string {
  return oneOf(typeof given === "string" ? given : "", names);
}

interface CommonInput {
  /** Makes the job idempotent: `[A-Za-z0-9_-]{1,128}`, or a non-negative integer. Default: a random id. */
  readonly id?: string | number | undefined;
  /** Default: `reply` for replies, otherwise `scheduled`, or `bulk` when many are enqueued at once. */
  readonly urgency?: Urgency | undefined;
  /** From then on it need not be written any more: ISO 8601 with zone (`2026-11-25T18:00:00Z`), or epoch ms. */
  readonly deadline?: string | number | undefined;
  /** Default: `live`. */
  readonly delivery?: Delivery | undefined;
  /** Whether an earlier answer to the very same request may be taken. Default: as its agent says, else no. */
  readonly cache?: boolean | undefined;
  /** What the text should take into account: `topic`, `mood`, `recent_events`, … Any JSON; keys are refused. */
  readonly context?: JsonObject | undefined;
}

export interface TweetInput extends CommonInput {
  readonly kind: "tweet";
  readonly agent: string;
}

export interface ReplyInput extends CommonInput {
  readonly kind: "reply";
  readonly agent: string;
  /** The post to answer. */
  readonly mention: string;
  /** Oldest message first; may also be given inside `context`. */
  readonly conversation_history?:
    string | readonly (string | { readonly author?: string | null | undefined; readonly text: string })[] | undefined;
}

/** A post that shows somebody's post and comments on it. */
export interface QuoteInput extends CommonInput {
  readonly kind: "quote";
  readonly agent: string;
  /** The text of that post. */
  readonly quoted: string;
  /** Whose it is: a handle or a name. */
  readonly author?: string | null | undefined;
}

/** Posts that belong together, written by one call. */
export interface ThreadInput extends CommonInput {
  readonly kind: "thread";
  readonly agent: string;
  /** 2–25, default 4. */
  readonly posts?: number | undefined;
}

export interface ContentInput extends CommonInput {
  readonly kind: "content";
  readonly prompt: string;
  /** Default: a neutral writer. */
  readonly agent?: string | undefined;
}

/** What a producer passes in. */
export type JobInput = TweetInput | ReplyInput | QuoteInput | ThreadInput | ContentInput;

/** A checked job input, defaults filled in. */
export type ParsedJobInput = z.output<typeof jobInputSchema>;

/**
 * Checks a job input.
 * @param source what errors call it, e.g. `job` or `topics.csv`
 * @param line its physical line in `source`, when there is one
 * @throws InvalidInputError with every problem
 */
export function parseJobInput(input: unknown, source = "job", line?: number): ParsedJobInput {
  const { job, faults } = checkJob(input);
  if (job !== undefined && faults.length === 0) return markChecked(job);
  throw new InvalidInputError(toProblems(faults, { source, lineOf: () => line }));
}

/** Checking is most of what a row costs: what came out of here is not checked again. */
const checkedJobs = new WeakSet<object>();

function markChecked(job: ParsedJobInput): ParsedJobInput {
  checkedJobs.add(job);
  return job;
}

export function isCheckedJob(input: unknown): input is ParsedJobInput {
  return typeof input === "object" && input !== null && checkedJobs.has(input);
}

/** A checked job with other settings, which are not checked: they are the program's own. */
export function withSettings(
  job: ParsedJobInput,
  settings: Pick<ParsedJobInput, "id" | "urgency" | "delivery">,
): ParsedJobInput {
  return markChecked({ ...job, ...settings });
}

/** Every check runs whatever the others found, so that all faults are reported at once. */
function checkJob(input: unknown): { job?: ParsedJobInput | undefined; faults: FieldFault[] } {
  if (isNestedTooDeeply(input)) {
    return { faults: [{ path: [], got: "more than 32 nested levels", expected: "at most 32 levels" }] };
  }
  const lifted = liftConversationHistory(input);
  const parsed = jobInputSchema.safeParse(lifted);
  const refused = isObject(input) ? findJsonFaults(input) : [];
  const wrongFields = parsed.error === undefined ? [] : zodFaults(parsed.error, lifted);
  const faults = [...sizeFaults(input), ...refusedFirst(refused, wrongFields), ...historyFaults(lifted)];
  return { job: parsed.data, faults };
}

/** Of any class: what is no object at all is the schema's business. */
function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** The source passes the history inside `context`; it is accepted there too, and means the same. */
function liftConversationHistory(input: unknown): unknown {
  if (!isPlainObject(input) || input["kind"] !== "reply") return input;
  const { context: given, conversation_history: own } = input;
  if (!isPlainObject(given) || !Object.hasOwn(given, "conversation_history") || !isNothing(own)) return input;
  const { conversation_history, ...rest } = given;
  return { ...input, context: rest, conversation_history };
}

function isNothing(history: unknown): boolean {
  return history === undefined || (Array.isArray(history) && history.length === 0);
}

/** What is still in the context after lifting stands there beside another history. */
function historyFaults(lifted: unknown): FieldFault[] {
  if (!isPlainObject(lifted) || lifted["kind"] !== "reply") return [];
  const { context: given } = lifted;
  if (!isPlainObject(given) || !Object.hasOwn(given, "conversation_history")) return [];
  const path = ["context", "conversation_history"];
  return [{ path, got: "a second history", expected: "one: conversation_history beside or inside context" }];
}
