import type { ChatMessage, TokenUsage } from "../provider.ts";

const CHARACTERS_PER_TOKEN = 4;

/**
 * For an answer without usage: about four characters a token in English, fewer in most other languages.
 * @param hiddenTokens what may have been written beside the text, such as reasoning
 */
export function estimateUsage(messages: readonly ChatMessage[], text: string, hiddenTokens = 0): TokenUsage {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return {
    inputTokens: Math.ceil(characters / CHARACTERS_PER_TOKEN),
    outputTokens: Math.ceil(text.length / CHARACTERS_PER_TOKEN) + hiddenTokens,
    cachedInputTokens: 0,
    reasoningTokens: hiddenTokens,
    estimated: true,
    raw: null,
  };
}
