import type { AgentFile } from "./agent-schema.ts";
import type { PromptSource } from "./agent.ts";
import { bullet, paragraphs } from "./fences.ts";

export type Persona = Pick<AgentFile, "name" | "description" | "personality" | "style_guide" | "initial_memory">;

/** The system prompt of an agent that brings none: its persona, in words. */
export function buildSystemPrompt(persona: Persona): string {
  const { name, description, initial_memory: memory } = persona;
  const relationships = Object.entries(memory?.relationships ?? {});
  return paragraphs([
    `You are ${name}. ${description ?? "You write posts and replies on X."}`,
    section("Who you are", characterLines(persona.personality ?? {})),
    section("How you write", styleLines(persona.style_guide ?? {})),
    section("What you remember", (memory?.core_memories ?? []).map(bullet)),
    section(
      "People you know",
      relationships.map(([who, what]) => bullet(`${who}: ${typeof what === "string" ? what : JSON.stringify(what)}`)),
    ),
    section("What happened lately", (memory?.recent_events ?? []).map(bullet)),
    `Stay in character as ${name} in everything you write.`,
  ]);
}

function characterLines(personality: NonNullable<Persona["personality"]>): string[] {
  return labelled([
    ["Traits", join(personality.traits)],
    ["Values", join(personality.values)],
    ["Interests", join(personality.interests)],
    ["Quirks", join(personality.quirks)],
    ["Background", personality.background],
    ["Way of speaking", personality.speaking_style],
  ]);
}

function styleLines({
  voice,
  tone,
  formatting = {},
  topics_to_avoid: avoid,
}: NonNullable<Persona["style_guide"]>): string[] {
  return labelled([
    ["Voice", voice],
    ["Tone", tone],
    ["Hashtags", habit(formatting.uses_hashtags, formatting.hashtag_style)],
    ["Emojis", habit(formatting.uses_emojis, formatting.emoji_frequency)],
    ["Capitalization", formatting.capitalization],
    ["Sentence length", formatting.sentence_length],
    ["Never write about", join(avoid)],
  ]);
}

function habit(uses: boolean | string | undefined, how: string | undefined): string | undefined {
  if (uses === false) return "none";
  const words = [typeof uses === "string" ? uses : undefined, how].filter((part) => part !== undefined);
  if (words.length > 0) return words.join("; ");
  return uses === true ? "welcome" : undefined;
}

function join(items: readonly string[] | undefined): string | undefined {
  return items === undefined || items.length === 0 ? undefined : items.join("; ");
}

function labelled(lines: readonly (readonly [string, string | undefined])[]): string[] {
  return lines.flatMap(([label, text]) => (text === undefined ? [] : [bullet(`${label}: ${text}`)]));
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${title}:\n${lines.join("\n")}`;
}

/** @param turn which of the agent's rotating prompts it is; counts up from 0 */
export function systemPromptOf(prompt: PromptSource, turn: number): string {
  if (prompt.from !== "rotating") return prompt.text;
  return prompt.texts[turn % prompt.texts.length] ?? prompt.texts[0];
}
