import type { ChatMessage } from "../provider.ts";

/** For vendors that have a field of its own for the system prompt. */
export interface Conversation {
  /** `null`: there is none. */
  readonly system: string | null;
  /** Never empty, never two of one role in a row, the user's first: what vendors ask for that want roles to alternate. */
  readonly turns: readonly ChatMessage[];
}

/** For a conversation that the assistant opens, or that has nothing but a system prompt. */
const OPENING: ChatMessage = { role: "user", content: "Begin." };

export function splitConversation(messages: readonly ChatMessage[]): Conversation {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const turns: ChatMessage[] = [];
  for (const { role, content } of messages.filter((message) => message.role !== "system")) {
    const last = turns.at(-1);
    if (last?.role === role) turns[turns.length - 1] = { role, content: `${last.content}\n\n${content}` };
    else turns.push({ role, content });
  }
  if (turns[0]?.role !== "user") turns.unshift(OPENING);
  return { system: system.length === 0 ? null : system.join("\n\n"), turns };
}
