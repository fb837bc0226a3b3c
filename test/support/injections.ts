import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/** A text that tries to take a model over; see test/fixtures/README.md. */
export interface Injection {
  /** What it tries, e.g. `fence`: to get out of the fence. */
  readonly kind: string;
  readonly text: string;
}

const FILE = join(import.meta.dirname, "../fixtures/prompt-injection/attempts.jsonl");

export const INJECTIONS: readonly Injection[] = readFileSync(FILE, "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const { kind, text, repeat = 1 } = JSON.parse(line) as Injection & { readonly repeat?: number };
    return { kind, text: text.repeat(repeat) };
  });

/** A message of ours, taken apart. */
export interface FencedMessage {
  readonly outside: string;
  readonly inside: string;
}

/** What stands outside of fences, and between them. The first line of backticks is ours: it comes before anybody's text. */
export function takeApart(message: string): FencedMessage {
  const lines = message.split("\n");
  const fence = lines.find((line) => /^`{3,}$/.test(line)) ?? "no fence";
  const spread = { outside: [] as string[], inside: [] as string[] };
  let isInside = false;
  for (const line of lines) {
    if (line === fence) isInside = !isInside;
    else spread[isInside ? "inside" : "outside"].push(line);
  }
  expect(isInside, "every fence is closed").toBe(false);
  return { outside: spread.outside.join("\n"), inside: spread.inside.join("\n") };
}

/** Whether the text is there, however it was indented. */
export function hasText({ inside }: FencedMessage, text: string): boolean {
  return inside.replace(/\s/g, "").includes(text.replace(/\s/g, ""));
}
