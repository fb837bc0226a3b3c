import { scrub } from "../../platform/secrets.ts";
import type { ChatMessage } from "../provider.ts";

/** So much of a prompt, quoted back, marks the rest of a message as prompt. */
const PROMPT_START_CHARACTERS = 24;

/**
 * A vendor's message without what must not reach logs and results: keys and other secrets (vendors do answer "Incorrect
 * API key provided: sk-…") and the prompt, which some quote back.
 */
export function redact(message: string, messages: readonly ChatMessage[]): string {
  return withoutPrompt(scrub(message), messages);
}

/** What a message says before it quotes a prompt, in whatever form it does. */
export function withoutPrompt(message: string, messages: readonly ChatMessage[]): string {
  const positions = messages
    .flatMap(({ content }) => [content, quoted(content), quoted(quoted(content))])
    .map((content) => oneLine(content).slice(0, PROMPT_START_CHARACTERS))
    .filter(({ length }) => length === PROMPT_START_CHARACTERS)
    .map((start) => message.indexOf(start))
    .filter((position) => position >= 0);
  return positions.length === 0 ? message : `${message.slice(0, Math.min(...positions))}[prompt]`;
}

/** As it stands within JSON. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As messages of vendors are kept: one line, without control characters. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}
