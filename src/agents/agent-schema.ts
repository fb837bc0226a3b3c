import { z } from "zod";
import { JOB_KINDS } from "../job/job-input.ts";
import { MODEL_NAME, MODEL_NAME_EXPECTED } from "../models/model-names.ts";
import type { ProviderId } from "../providers/provider.ts";
import { oneOf } from "../platform/one-of.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { behaviorSchema, scheduleFileSchema } from "../schedules/schedule-file.ts";

/*
 * The agent *file*, as people write it (snake_case). Every message in this schema is the second half of a sentence,
 * "got X; expected <message>": `parse-agent.ts` adds the first half, the file and the line.
 */

/** How the fake provider answers; a test compares this list with the provider's own. */
export const RESPONSE_STYLES = ["helpful", "witty", "poetic", "terse", "echo"] as const;

/** Upper bound of `max_tokens` for any model; `model-rules.ts` knows those of single models. */
export const MOST_TOKENS = 1_000_000;
/** For any model, as above. */
export const RANGES = {
  temperature: [0, 2],
  top_p: [0, 1],
  frequency_penalty: [-2, 2],
  presence_penalty: [-2, 2],
} as const;
/** Of one text, as UTF-8. */
const MOST_TEXT_BYTES = 256 * 1024;
const LONGEST_TIMEOUT_SECONDS = 600;

const AGENT_ID = /^[A-Za-z0-9_-]{1,128}$/;
const TOKEN_ID = /^(?:0|[1-9][0-9]{0,9})$/;

function numberFrom(min: number, max: number): z.ZodNumber {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** `got` is left out where the text itself says it best. */
export function whatIsWrongWithText(text: string): { got?: string; expected: string } | undefined {
  if (text.trim() === "") return { expected: "text that is not blank (leave the field out if there is none)" };
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_TEXT_BYTES) return { got: `${bytes} bytes`, expected: `at most ${MOST_TEXT_BYTES} bytes (256 KiB)` };
  const nul = text.indexOf("\0");
  if (nul !== -1) return { got: `a NUL character at offset ${nul}`, expected: "text without it" };
  const surrogate = text.search(/\p{Surrogate}/u);
  if (surrogate !== -1) return { got: `half a surrogate pair at offset ${surrogate}`, expected: "well-formed text" };
  return undefined;
}

const text = z.string({ error: "text in quotation marks" }).superRefine((value, context) => {
  const wrong = whatIsWrongWithText(value);
  if (wrong === undefined) return;
  const params = wrong.got === undefined ? {} : { got: wrong.got };
  context.addIssue({ code: "custom", message: wrong.expected, params });
});

const texts = z.array(text, { error: "a list of texts" });

const trueOrFalse = z.boolean({ error: "true or false" });

const idError = "1–128 characters of A–Z a–z 0–9 _ -";
const maxTokensError = `an integer from 1 to the model's limit (${MOST_TOKENS} at most)`;
const tokenIdError =
  'the id of a token, an integer such as "1734"; it comes from the model\'s tokenizer, e.g. the `tiktoken` package';

const maxTokens = z.int({ error: maxTokensError });

/** Seconds. Somebody who writes 30000 has milliseconds in mind. */
function timeoutError(value: unknown): string {
  const expected = `seconds, a number from 1 to ${LONGEST_TIMEOUT_SECONDS}`;
  const isMilliseconds = typeof value === "number" && value >= 1000 && value <= LONGEST_TIMEOUT_SECONDS * 1000;
  return isMilliseconds ? `${expected}; milliseconds? then write ${value / 1000}` : expected;
}
const timeoutIssue = { error: (issue: { input?: unknown }): string => timeoutError(issue.input) };

const logitBias = z.record(z.string().regex(TOKEN_ID, { error: tokenIdError }), numberFrom(-100, 100), {
  error: (issue) => (issue.code === "invalid_key" ? tokenIdError : "an object: token id → number from -100 to 100"),
});

function nameFrom(names: readonly string[]): z.ZodEnum<Record<string, string>> {
  return z.enum(names as [string, ...string[]], { error: (issue) => oneOf(String(issue.input), names) });
}

/** Settings of one provider + model, its fall-back's settings left out. */
function ownSettings(knownProviders: readonly ProviderId[]) {
  return {
    model: z.string({ error: MODEL_NAME_EXPECTED }).regex(MODEL_NAME, { error: MODEL_NAME_EXPECTED }).optional(),
    temperature: numberFrom(...RANGES.temperature).optional(),
    max_tokens: maxTokens.min(1, { error: maxTokensError }).max(MOST_TOKENS, { error: maxTokensError }).optional(),
    top_p: numberFrom(...RANGES.top_p).optional(),
    frequency_penalty: numberFrom(...RANGES.frequency_penalty).optional(),
    presence_penalty: numberFrom(...RANGES.presence_penalty).optional(),
    logit_bias: logitBias.optional(),
    user: text.optional(),
    system_prompt: text.optional(),
    stream: trueOrFalse.optional(),
    timeout: z.number(timeoutIssue).min(1, timeoutIssue).max(LONGEST_TIMEOUT_SECONDS, timeoutIssue).optional(),
    fallback_provider: nameFrom(knownProviders).optional(),
    response_style: nameFrom(RESPONSE_STYLES).optional(),
    include_prompt: trueOrFalse.optional(),
  };
}

type OwnSettings = z.infer<z.ZodObject<ReturnType<typeof ownSettings>>>;

export interface LlmConfigFile extends OwnSettings {
  /** The same shape again: a fall-back may have one of its own. */
  fallback_config?: LlmConfigFile | undefined;
}

function llmConfigSchema(knownProviders: readonly ProviderId[]): z.ZodType<LlmConfigFile> {
  const llmConfig: z.ZodType<LlmConfigFile> = strictObject({
    ...ownSettings(knownProviders),
    fallback_config: z.lazy(() => llmConfig).optional(),
  });
  return llmConfig;
}

const personality = strictObject({
  traits: texts.optional(),
  values: texts.optional(),
  speaking_style: text.optional(),
  interests: texts.optional(),
  background: text.optional(),
  quirks: texts.optional(),
});

/** The original files write `true` as well as "rarely, only when it fits". */
const yesNoOrHow = z.union([z.boolean(), text], { error: "true, false or a text that says how" });

const styleGuide = strictObject({
  voice: text.optional(),
  tone: text.optional(),
  formatting: strictObject({
    uses_hashtags: yesNoOrHow.optional(),
    hashtag_style: text.optional(),
    uses_emojis: yesNoOrHow.optional(),
    emoji_frequency: text.optional(),
    capitalization: text.optional(),
    sentence_length: text.optional(),
  }).optional(),
  topics_to_avoid: texts.optional(),
});

const initialMemory = strictObject({
  core_memories: texts.optional(),
  /** Name → how the agent stands to them: a text, or the original system's object of numbers and notes. */
  relationships: z.record(z.string(), z.json(), { error: "an object: name → relationship" }).optional(),
  recent_events: texts.optional(),
});

const handleError = "a name on X: 1–15 characters of A–Z a–z 0–9 _, with or without @";
const handle = z.string({ error: handleError }).regex(/^@?[A-Za-z0-9_]{1,15}$/, { error: handleError });

/** The longest post that X takes, from those who pay for it. */
const LONGEST_POST = 25_000;
const lengthError = `characters as X counts them, an integer from 20 to ${LONGEST_POST}`;
const postLengthLimit = z
  .int({ error: lengthError })
  .min(20, { error: lengthError })
  .max(LONGEST_POST, { error: lengthError });

const cacheSeconds = (least: number) => numberFrom(least, 31_536_000);

/** `true` is short for the kind whose answers are worth keeping; posts are not to be published twice. */
const cache = z.union(
  [
    trueOrFalse,
    strictObject({
      kinds: z.array(z.enum(JOB_KINDS, { error: oneOf("", JOB_KINDS) }), { error: "a list of kinds" }).optional(),
      ttl_seconds: cacheSeconds(1).optional(),
      serve_stale_seconds: cacheSeconds(0).optional(),
    }),
  ],
  { error: 'true, false or an object such as {"kinds": ["content"], "ttl_seconds": 3600, "serve_stale_seconds": 0}' },
);

export function agentFileSchema(knownProviders: readonly ProviderId[]) {
  return strictObject({
    id: z.string({ error: idError }).regex(AGENT_ID, { error: idError }),
    name: text,
    description: text.optional(),
    llm_provider: nameFrom(knownProviders).optional(),
    llm_config: llmConfigSchema(knownProviders).optional(),
    custom_system_prompt: text.optional(),
    rotating_system_prompts: texts.optional(),
    personality: personality.optional(),
    style_guide: styleGuide.optional(),
    initial_memory: initialMemory.optional(),
    handle: handle.optional(),
    post_length_limit: postLengthLimit.optional(),
    variety: trueOrFalse.optional(),
    cache: cache.optional(),
    schedule: scheduleFileSchema.optional(),
    behavior: behaviorSchema.optional(),
  });
}

export type AgentFile = z.infer<ReturnType<typeof agentFileSchema>>;
