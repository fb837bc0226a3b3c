import type { Comparison } from "../compare/comparison.ts";
import { failureLines, figuresOf, remarks, type Figures } from "../compare/figures.ts";
import type { ModelSummary } from "../compare/summarise.ts";
import { WIDEST_LINE, alignedTable, type Column } from "./aligned-table.ts";

const NUMBERS: readonly Column<Figures>[] = [
  { head: "texts", cell: ({ written }) => written },
  { head: "p50", cell: ({ p50 }) => p50 },
  { head: "p95", cell: ({ p95 }) => p95 },
  { head: "tokens", cell: ({ tokensIn, tokensOut }) => `${tokensIn}/${tokensOut}` },
  { head: "USD", cell: ({ cost }) => cost },
  { head: "per 1,000", cell: ({ costPerThousand }) => costPerThousand },
  { head: "chars", cell: ({ characters }) => characters },
];
const FEEDBACK: Column<Figures> = { head: "feedback", cell: ({ feedback }) => feedback };
const GAPS = { text: 2, number: 2 };

/** What `compare` prints: a row for each model, what one has to know to read it, and why texts are missing. */
export function compareTable({ models }: Pick<Comparison, "models">): string {
  const rows = models.map(figuresOf);
  const numbers = (rows.some(({ feedback }) => feedback !== "") ? [...NUMBERS, FEEDBACK] : NUMBERS).map((column) => ({
    ...column,
    isNumber: true,
  }));
  const taken = numbers.reduce((sum, column) => sum + GAPS.number + widthOf(column, rows), 0);
  const names = shortNames(
    rows.map(({ model }) => model),
    Math.max(SHORTEST_NAME, WIDEST_LINE - taken),
  );
  const name: Column<Figures> = { head: "model", cell: ({ model }) => names.get(model) ?? model };
  return [alignedTable(rows, [name, ...numbers], GAPS), ...remarks(models), ...failureTexts(models)].join("\n");
}

const SHORTEST_NAME = 16;

function widthOf({ head, cell }: Column<Figures>, rows: readonly Figures[]): number {
  return Math.max(head.length, ...rows.map((row) => cell(row).length));
}

/** Cut in the middle, as names differ at their ends; whole where that makes two the same. */
function shortNames(names: readonly string[], width: number): ReadonlyMap<string, string> {
  const short = names.map((name) => cutInTheMiddle(name, width));
  return new Map(
    names.map((name, index) => [name, new Set(short).size < names.length ? name : (short[index] ?? name)]),
  );
}

function cutInTheMiddle(name: string, width: number): string {
  if (name.length <= width) return name;
  const start = Math.ceil((width - 1) / 2);
  return `${name.slice(0, start)}…${name.slice(name.length - (width - 1 - start))}`;
}

function failureTexts(models: readonly ModelSummary[]): string[] {
  const { lines, more } = failureLines(models);
  return [...lines.map(({ title, reason }) => `${title}: ${reason}`), ...(more === 0 ? [] : [`and ${more} more`])];
}
