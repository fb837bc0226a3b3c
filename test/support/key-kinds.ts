import { documentAt, tableOf } from "./documents.ts";
import { codeWords } from "./markdown.ts";
import type { KeyContents } from "./redis-contents.ts";

/** A row of the documents' table of keys. */
export interface KeyKind {
  /** As the table writes it: `{puppet}:job:<id>`. */
  readonly name: string;
  readonly pattern: RegExp;
  /** The column "Lives". */
  readonly lives: string;
}

const LANE = "{puppet:<hash of the lane>}:<lane>";
/** What stands for parts of keys that others could be taken for. */
const PARTS: Readonly<Record<string, string>> = {
  "<day>": String.raw`\d{4}-\d\d-\d\d`,
  "<hour>": String.raw`\d{4}-\d\d-\d\dT\d\d`,
  "<hash of the lane>": "[0-9a-f]{8}",
  "<lane>": "[^:]+",
  "<id>": "[^:]+",
};

export function keyKinds(namespace: string): readonly KeyKind[] {
  const rows = tableOf(documentAt("docs/architecture.md"), "What is in Redis");
  return rows
    .filter(([, type]) => type !== "channel")
    .map(([key = "", , , lives = ""]) => {
      const name = (codeWords(key)[0] ?? "").replace("…", LANE);
      const source = name
        .replace("puppet", namespace)
        .split(/(<[^>]+>)/)
        .map((part) => (part.startsWith("<") ? (PARTS[part] ?? ".+") : part.replace(/[{}.*+?^$()|[\]\\]/g, "\\$&")))
        .join("");
      return { name, pattern: new RegExp(`^${source}$`), lives };
    });
}

/** Streams are trimmed a node at a time. */
const ABOUT = 1.2;

/** @param isIdle everything has ended, and no worker runs @returns what is wrong with the key; `null`: it is bounded as the table says */
export function whatIsUnbounded(
  { key, size, expiresInMs }: KeyContents,
  kinds: readonly KeyKind[],
  isIdle: boolean,
): string | null {
  const kind = kinds.find(({ pattern }) => pattern.test(key));
  if (kind === undefined) return `${key}: a kind of key that the table does not have`;
  const { lives } = kind;
  const most = /^at most (one|[\d,]+)/.exec(lives)?.[1];
  if (lives.startsWith("expires")) return expiresInMs >= 0 ? null : `${key}: does not expire`;
  if (most !== undefined) {
    const limit = most === "one" ? 1 : Number(most.replaceAll(",", ""));
    return size <= limit * ABOUT ? null : `${key}: has ${size} entries, at most ${limit} are declared`;
  }
  if (lives.startsWith("gone when")) return isIdle ? `${key}: is there although there is nothing to do` : null;
  return lives.startsWith("one for each") ? null : `${key}: no bound is declared, but: ${lives}`;
}
