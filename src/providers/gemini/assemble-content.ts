import type { z } from "zod";
import type { StreamAssembler } from "../http/stream-reader.ts";
import { contentSchema, textOf } from "./read-content.ts";

/**
 * Puts the chunks of a stream together: each is an answer of its own, with more of the text and the usage so far. The
 * last one has the finish reason, or there is but one and it says why the prompt was blocked.
 */
export function assembleContent(): StreamAssembler {
  let text = "";
  let finishReason: string | null = null;
  let isBlocked = false;
  let head: Omit<z.infer<typeof contentSchema>, "candidates"> = {};

  return {
    push(event) {
      const chunk = contentSchema.safeParse(event);
      if (!chunk.success) return;
      const { candidates, ...rest } = chunk.data;
      head = { ...head, ...definedOf(rest) };
      isBlocked ||= Boolean(rest.promptFeedback?.blockReason);
      text += textOf(candidates[0]);
      finishReason = candidates[0]?.finishReason ?? finishReason;
    },
    text: () => text,
    // No event says that it is the last.
    isOver: () => false,
    whole() {
      if (finishReason !== null) return { ...head, candidates: [{ finishReason, content: { parts: [{ text }] } }] };
      return isBlocked ? head : null;
    },
  };
}

function definedOf<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as Partial<Fields>;
}
