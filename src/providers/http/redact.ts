import type { ChatMessage } from "../provider.ts";

const KEY_LIKE = /\b(?:sk|xai)-[\w*.-]{4,}|\bAIza[\w*.-]{4,}|\bBearer\s+\S+/gi;

/** Local servers are given words such as `none` or `ollama`; removing those would only garble the message. */
const SHORTEST_KEY_CHARACTERS = 8;

/** So much of a prompt, quoted back, marks the rest of a message as prompt. */
const PROMPT_START_CHARACTERS = 24;

/**
 * A vendor's message without what must not reach logs and results: the key (vendors do answer "Incorrect API key
 * provided: sk-…") and the prompt, which some quote back.
 */
export function redact(message: string, apiKey: string | null, messages: readonly ChatMessage[]): string {
  const isSecret = apiKey !== null && apiKey.length >= SHORTEST_KEY_CHARACTERS;
  const known = isSecret ? message.replaceAll(apiKey, "[key]") : message;
  const withoutKeys = known.replace(KEY_LIKE, "[key]");
  const quotes = messages
    .map(({ content }) => content.trim().slice(0, PROMPT_START_CHARACTERS))
    .filter((start) => start.length === PROMPT_START_CHARACTERS)
    .map((start) => withoutKeys.indexOf(start))
    .filter((position) => position >= 0);
  return quotes.length === 0 ? withoutKeys : `${withoutKeys.slice(0, Math.min(...quotes))}[prompt]`;
}
