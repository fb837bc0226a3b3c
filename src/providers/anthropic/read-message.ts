import { z } from "zod";
import { noAnswer, textOrReason, type ReadAnswer } from "../http/read-answer.ts";
import { readVendorError } from "../http/vendor-error.ts";
import type { FinishReason, TokenUsage } from "../provider.ts";

const optionalText = z.string().nullish().catch(null);

const messageSchema = z.object({
  id: optionalText,
  model: optionalText,
  usage: z.unknown().optional(),
  stop_reason: optionalText,
  stop_details: z.object({ category: optionalText }).nullish().catch(null),
  /** `null`: it is no message. */
  content: z.array(z.unknown()).nullable().catch(null),
});

/** What a 2xx body says; `null`: it is no object at all. */
export function readMessage(body: unknown): ReadAnswer | null {
  const message = messageSchema.safeParse(body);
  if (!message.success) return null;
  const { id, model, usage, stop_reason } = message.data;
  const raw = stop_reason ?? null;
  return {
    id: id ?? null,
    model: model ?? null,
    usage: convertUsage(usage),
    reportedCostMicroUsd: null,
    finishReason: finishReason(raw),
    rawFinishReason: raw,
    outcome: outcomeOf(message.data, body),
  };
}

const textBlockSchema = z.object({ type: z.literal("text"), text: z.string() });

function outcomeOf(
  { content, stop_reason, stop_details }: z.infer<typeof messageSchema>,
  body: unknown,
): ReadAnswer["outcome"] {
  if (content === null) {
    const { message } = readVendorError(body);
    return noAnswer(`a completion without content${message === "" ? "" : `: ${message}`}`).outcome;
  }
  if (stop_reason === "refusal") {
    const category = stop_details?.category ?? "";
    return { kind: "content-filtered", message: `the model refused${category === "" ? "" : ` (${category})`}` };
  }
  // Thinking has blocks of its own.
  const texts = content.map((block) => textBlockSchema.safeParse(block).data?.text ?? "");
  const raw = stop_reason ?? null;
  return textOrReason(texts.join(""), finishReason(raw), raw);
}

/** https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons; tools are never offered. */
export function finishReason(raw: string | null): FinishReason {
  switch (raw) {
    case "end_turn":
    case "stop_sequence":
      return "stop";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "refusal":
      return "content-filter";
    default:
      return "other";
  }
}

const count = z.number().int().nonnegative();

const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count.catch(0),
  cache_creation_input_tokens: count.catch(0),
  output_tokens_details: z.object({ thinking_tokens: count.catch(0) }).catch({ thinking_tokens: 0 }),
});

/**
 * `input_tokens` are only those that have nothing to do with the cache; `output_tokens` include the thinking.
 * `null` when the vendor sent no usage, or one without these two.
 */
export function convertUsage(raw: unknown): TokenUsage | null {
  const parsed = usageSchema.safeParse(raw);
  if (!parsed.success) return null;
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = parsed.data;
  return {
    inputTokens: input_tokens + cache_read_input_tokens + cache_creation_input_tokens,
    outputTokens: output_tokens,
    cachedInputTokens: cache_read_input_tokens,
    ...(cache_creation_input_tokens > 0 && { cacheWriteInputTokens: cache_creation_input_tokens }),
    reasoningTokens: parsed.data.output_tokens_details.thinking_tokens,
    estimated: false,
    raw,
  };
}
