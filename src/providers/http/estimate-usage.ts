import type { ChatMessage, TokenUsage } from "../provider.ts";

const CHARACTERS_PER_TOKEN = 4;

/** For an answer without usage: about four characters a token in English, fewer in most other languages. */
export function estimateUsage(messages: readonly ChatMessage[], text: string): TokenUsage {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return {
    inputTokens: Math.ceil(characters / CHARACTERS_PER_TOKEN),
    outputTokens: Math.ceil(text.length / CHARACTERS_PER_TOKEN),
    cachedInputTokens: 0,
    reasoningTokens: 0,
    estimated: true,
    raw: null,
  };
}
