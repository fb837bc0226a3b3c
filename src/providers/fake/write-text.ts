import type { ChatMessage } from "../provider.ts";
import { TEMPLATES, type ResponseStyle } from "./phrases.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A tweet's length. Together with the longest phrases the topic stays under it, also when X counts it double. */
const MAX_TEXT_CHARACTERS = 280;
const MAX_TOPIC_CHARACTERS = 40;

export interface Writing {
  readonly style: ResponseStyle;
  /** Quote the last user message in front of the text, which may then be longer than a tweet. */
  readonly includePrompt: boolean;
  readonly random: SeededRandom;
}

export function writeText(messages: readonly ChatMessage[], { style, includePrompt, random }: Writing): string {
  const prompt = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const text = style === "echo" ? cut(prompt, MAX_TEXT_CHARACTERS) : postsFor(prompt, style, random);
  return includePrompt ? `“${prompt}”\n${text}` : text;
}

/** A thread is asked for with the number of its posts and what to put between them. */
function postsFor(prompt: string, style: Exclude<ResponseStyle, "echo">, random: SeededRandom): string {
  const count = Number(/^Write a thread for X of exactly (\d+) posts/.exec(prompt)?.[1] ?? 1);
  return Array.from({ length: count }, () => fromTemplate(style, topicOf(prompt), random)).join("\n---\n");
}

function fromTemplate(style: Exclude<ResponseStyle, "echo">, topic: string, random: SeededRandom): string {
  const [first, second, third] = TEMPLATES[style];
  const opening = random.pick(first).replace("{topic}", () => topic);
  return capitalise(opening) + random.pick(second) + random.pick(third);
}

/** What a prompt is about: its line `Topic: x`, the post to reply to, `about x`, a quoted part, else its first words. */
export function topicOf(prompt: string): string {
  const named =
    /^topic: *["“]?([^"”\n]+)/im.exec(prompt) ??
    /\b(?:mentions you|that you quote):\n`+\n([^\n]+)/i.exec(prompt) ??
    /\babout ["“]?([^"”.!?\n]+)/i.exec(prompt) ??
    /["“]([^"”]+)["”]/.exec(prompt);
  const line = (named?.[1] ?? prompt.split("\n\n", 1)[0] ?? "").replace(/\s+/g, " ").trim();
  const topic = cut(line, MAX_TOPIC_CHARACTERS).replace(/[\s.,;:!?–-]+$/u, "");
  return topic === "" ? "today" : topic;
}

/** At a word's end where there is one. */
function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const whole = sliceWhole(text, maxCharacters);
  const lastSpace = whole.lastIndexOf(" ");
  return lastSpace > maxCharacters / 2 ? whole.slice(0, lastSpace) : whole;
}

/** The beginning of a text, without half a character at its end. */
export function sliceWhole(text: string, maxCharacters: number): string {
  return text.slice(0, maxCharacters).replace(/[\ud800-\udbff]$/, "");
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
