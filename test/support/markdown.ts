import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The parts of a Markdown file that can be checked. Understands what our documents use, not all of Markdown. */
export interface MarkdownDocument {
  /** From the project's folder. */
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  readonly tables: readonly Table[];
  readonly links: readonly Link[];
  /** Of its headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
  readonly headings: readonly Heading[];
}

export interface CodeBlock {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** What the HTML comments right above it say, e.g. `not run: …`. */
  readonly marks: readonly string[];
}

export interface Table {
  /** Of the section that it stands in, e.g. `usage`. */
  readonly section: string;
  readonly line: number;
  readonly rows: readonly (readonly string[])[];
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface Heading {
  readonly level: number;
  readonly text: string;
}

const ROOT = join(import.meta.dirname, "../..");

export function readMarkdown(path: string): MarkdownDocument {
  return parseMarkdown(path, readFileSync(join(ROOT, path), "utf8"));
}

export function parseMarkdown(path: string, text: string): MarkdownDocument {
  const lines = text.split("\n");
  const blocks = findBlocks(lines);
  const prose = withoutBlocks(lines, blocks);
  const headings = prose.flatMap((line): Heading[] => {
    const [, marks = "", heading] = /^(#+) (.*)$/.exec(line) ?? [];
    return heading === undefined ? [] : [{ level: marks.length, text: plain(heading) }];
  });
  return {
    path,
    blocks,
    tables: findTables(prose),
    links: prose.flatMap((line, index) =>
      [...line.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ line: index + 1, target })),
    ),
    headings,
    anchors: new Set(headings.map((heading) => anchorOf(heading.text))),
  };
}

/** All words in backticks. */
export function codeWords(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

function findBlocks(lines: readonly string[]): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let marks: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const mark = /^<!-- (.*) -->$/.exec(line)?.[1];
    const language = /^```(\S*)/.exec(line)?.[1];
    if (mark !== undefined) marks.push(mark);
    else if (language !== undefined) {
      const end = lines.indexOf("```", index + 1);
      if (end === -1) throw new Error(`line ${index + 1}: a code block without an end`);
      blocks.push({ line: index + 1, language, text: lines.slice(index + 1, end).join("\n"), marks });
      marks = [];
      index = end;
    } else if (line.trim() !== "") marks = [];
  }
  return blocks;
}

/** The same number of lines, those of code blocks empty. */
function withoutBlocks(lines: readonly string[], blocks: readonly CodeBlock[]): string[] {
  const prose = [...lines];
  for (const { line, text } of blocks) {
    const count = text.split("\n").length + 2;
    prose.splice(line - 1, count, ...Array.from({ length: count }, () => ""));
  }
  return prose;
}

function findTables(prose: readonly string[]): Table[] {
  const tables: { section: string; line: number; rows: string[][] }[] = [];
  let section = "";
  prose.forEach((line, index) => {
    section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
    if (!line.startsWith("|")) return;
    if (prose[index - 1]?.startsWith("|") !== true) tables.push({ section: plain(section), line: index + 1, rows: [] });
    tables.at(-1)?.rows.push(cellsOf(line));
  });
  // Without its head and the line below it.
  return tables.map((table) => ({ ...table, rows: table.rows.slice(2) }));
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function plain(heading: string): string {
  return heading.replaceAll("`", "").trim();
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}
