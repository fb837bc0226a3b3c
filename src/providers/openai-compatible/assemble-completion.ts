import { z } from "zod";
import type { StreamAssembler } from "../http/stream-reader.ts";

const optionalText = z.string().nullish().catch(null);

const chunkSchema = z.object({
  id: optionalText,
  model: optionalText,
  usage: z.unknown().optional(),
  choices: z
    .array(
      z.object({
        finish_reason: optionalText,
        delta: z.object({ content: optionalText, refusal: optionalText }).nullish().catch(null),
      }),
    )
    .catch([]),
});

/**
 * Puts the chunks of a streamed completion together. The usage comes in a chunk of its own after the last text (with
 * `stream_options`), or in every chunk so far (xAI): the last one counts.
 */
export function assembleCompletion(): StreamAssembler {
  const message = { content: "", refusal: "" };
  const head: { id?: string; model?: string; usage?: unknown } = {};
  let finishReason: string | null = null;
  let isDone = false;

  const takeChunk = ({ id, model, usage, choices }: z.infer<typeof chunkSchema>): void => {
    if (id) head.id ??= id;
    if (model) head.model ??= model;
    if (usage !== undefined && usage !== null) head.usage = usage;
    const [choice] = choices;
    message.content += choice?.delta?.content ?? "";
    message.refusal += choice?.delta?.refusal ?? "";
    finishReason = choice?.finish_reason ?? finishReason;
  };
  return {
    push(event) {
      if (event === "[DONE]") isDone = true;
      const chunk = chunkSchema.safeParse(event);
      if (chunk.success) takeChunk(chunk.data);
    },
    text: () => message.content,
    // `[DONE]` alone is no end: servers send it after errors as well.
    whole: () => (finishReason === null ? null : { ...head, choices: [{ finish_reason: finishReason, message }] }),
    isOver: () => isDone,
  };
}
