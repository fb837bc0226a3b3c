import { globSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load-config.ts";
import { readMarkdown, type MarkdownDocument } from "./markdown.ts";

const ROOT = join(import.meta.dirname, "../..");

/** What is checked: README and docs. */
export const DOCUMENTS: readonly MarkdownDocument[] = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()].map(
  readMarkdown,
);

/** The configuration of somebody who has set nothing. */
export const DEFAULTS = loadConfig({ environment: {}, directory: join(ROOT, "test"), isTerminal: false });

export function documentAt(path: string): MarkdownDocument {
  const document = DOCUMENTS.find((candidate) => candidate.path === path);
  if (document === undefined) throw new Error(`${path} is missing`);
  return document;
}

/** The rows of all tables in a section. */
export function tableOf(document: MarkdownDocument, section: string): readonly (readonly string[])[] {
  const tables = document.tables.filter((table) => table.section === section);
  return tables.flatMap(({ rows }) => rows);
}
