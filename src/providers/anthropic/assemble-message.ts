import { z } from "zod";
import type { StreamAssembler } from "../http/stream-reader.ts";

const optionalText = z.string().nullish().catch(null);
const usage = z.record(z.string(), z.unknown()).nullish().catch(null);
/** A block of text or a piece of one; thinking and signatures have other members. */
const piece = z.object({ text: optionalText }).nullish().catch(null);

const eventSchema = z.object({
  type: z.string(),
  /** Of `message_start`. */
  message: z.object({ id: optionalText, model: optionalText, usage }).nullish().catch(null),
  content_block: piece,
  /** Of `content_block_delta` and `message_delta`. */
  delta: z
    .object({ text: optionalText, stop_reason: optionalText, stop_details: z.unknown().optional() })
    .nullish()
    .catch(null),
  /** Of `message_delta`. */
  usage,
});

/**
 * Puts the events of a streamed message together. What counts in the usage grows: the last number of each field is the
 * total, and a field that is not told again keeps the one of the start.
 * https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export function assembleMessage(): StreamAssembler {
  const head: { id?: string; model?: string; stop_reason?: string; stop_details?: unknown } = {};
  let counted: Record<string, unknown> | undefined;
  let text = "";
  let isDone = false;

  const takeEvent = ({ type, message, content_block, delta, usage: told }: z.infer<typeof eventSchema>): void => {
    if (type === "message_stop") isDone = true;
    if (message?.id) head.id = message.id;
    if (message?.model) head.model = message.model;
    counted = newest(newest(counted, message?.usage), told);
    text += content_block?.text ?? delta?.text ?? "";
    if (delta?.stop_reason) head.stop_reason = delta.stop_reason;
    if (delta?.stop_details) head.stop_details = delta.stop_details;
  };
  return {
    push(event) {
      const known = eventSchema.safeParse(event);
      if (known.success) takeEvent(known.data);
    },
    text: () => text,
    isOver: () => isDone,
    whole: () =>
      isDone || head.stop_reason !== undefined ? { ...head, content: [{ type: "text", text }], usage: counted } : null,
  };
}

type Counted = Record<string, unknown> | undefined;

/** A `null` in a later usage means that it is not told, not that nothing counts any more. */
function newest(before: Counted, told: Counted | null): Counted {
  if (told === undefined || told === null) return before;
  return { ...before, ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null)) };
}
