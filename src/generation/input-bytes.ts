import type { ChatMessage } from "../providers/provider.ts";

/** Chat formats add a few tokens per message for its role and its borders. */
const FRAMING_BYTES_PER_MESSAGE = 16;

/** The size of a prompt as vendors see it. */
export function inputBytesOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + FRAMING_BYTES_PER_MESSAGE, 0);
}
