import { z } from "zod";
import { noAnswer, textOrReason, type ReadAnswer } from "../http/read-answer.ts";
import { readVendorError } from "../http/vendor-error.ts";
import type { FinishReason, TokenUsage } from "../provider.ts";

const optionalText = z.string().nullish().catch(null);

const candidateSchema = z.object({
  finishReason: optionalText,
  // Without text it is an empty object, has no `parts`, or is not there at all.
  content: z
    .object({ parts: z.array(z.unknown()).catch([]) })
    .nullish()
    .catch(null),
});
type Candidate = z.infer<typeof candidateSchema>;

/** A whole answer, and each chunk of a stream. */
export const contentSchema = z.object({
  responseId: optionalText,
  modelVersion: optionalText,
  usageMetadata: z.unknown().optional(),
  promptFeedback: z.object({ blockReason: optionalText }).nullish().catch(null),
  candidates: z.array(candidateSchema).catch([]),
});

/** What a 2xx body says; `null`: it is no object at all. */
export function readContent(body: unknown): ReadAnswer | null {
  const content = contentSchema.safeParse(body);
  if (!content.success) return null;
  const { responseId, modelVersion, usageMetadata, promptFeedback, candidates } = content.data;
  const [candidate] = candidates;
  const blocked = candidate === undefined ? (promptFeedback?.blockReason ?? null) : null;
  const raw = candidate?.finishReason ?? blocked;
  return {
    id: responseId ?? null,
    model: modelVersion ?? null,
    usage: convertUsage(usageMetadata),
    reportedCostMicroUsd: null,
    finishReason: blocked === null ? finishReason(raw) : "content-filter",
    rawFinishReason: raw,
    outcome: candidate === undefined ? withoutCandidate(blocked, body) : readCandidate(candidate),
  };
}

function readCandidate(candidate: Candidate): ReadAnswer["outcome"] {
  const raw = candidate.finishReason ?? null;
  return textOrReason(textOf(candidate), finishReason(raw), raw);
}

function withoutCandidate(blocked: string | null, body: unknown): ReadAnswer["outcome"] {
  if (blocked !== null) return { kind: "content-filtered", message: `the prompt was blocked (${blocked})` };
  const { message } = readVendorError(body);
  return noAnswer(`a completion without candidates${message === "" ? "" : `: ${message}`}`).outcome;
}

const partSchema = z.object({ text: z.string(), thought: z.boolean().nullish().catch(null) });

/** Without thoughts, which are parts too. */
export function textOf(candidate: Candidate | undefined): string {
  const parts = candidate?.content?.parts ?? [];
  return parts
    .map((part) => partSchema.safeParse(part).data)
    .map((part) => (part === undefined || part.thought === true ? "" : part.text))
    .join("");
}

/** https://ai.google.dev/api/generate-content#FinishReason; tools and images are never asked for. */
export function finishReason(raw: string | null): FinishReason {
  switch (raw) {
    case "STOP":
      return "stop";
    case "MAX_TOKENS":
      return "length";
    case "SAFETY":
    case "RECITATION":
    case "PROHIBITED_CONTENT":
    case "BLOCKLIST":
    case "SPII":
    case "LANGUAGE":
    case "IMAGE_SAFETY":
      return "content-filter";
    default:
      return "other";
  }
}

const count = z.number().int().nonnegative();

/** What is 0 is left out. */
const usageSchema = z.object({
  promptTokenCount: count,
  cachedContentTokenCount: count.catch(0),
  toolUsePromptTokenCount: count.catch(0),
  candidatesTokenCount: count.catch(0),
  thoughtsTokenCount: count.catch(0),
});

/**
 * The prompt includes what was cached of it; thoughts stand beside the candidates and are billed like them.
 * https://ai.google.dev/api/generate-content#UsageMetadata
 * `null` when Google sent no usage, or one without the prompt.
 */
export function convertUsage(raw: unknown): TokenUsage | null {
  const parsed = usageSchema.safeParse(raw);
  if (!parsed.success) return null;
  const usage = parsed.data;
  return {
    inputTokens: usage.promptTokenCount + usage.toolUsePromptTokenCount,
    outputTokens: usage.candidatesTokenCount + usage.thoughtsTokenCount,
    // More than the whole cannot have been cached of it.
    cachedInputTokens: Math.min(usage.cachedContentTokenCount, usage.promptTokenCount),
    reasoningTokens: usage.thoughtsTokenCount,
    estimated: false,
    raw,
  };
}
