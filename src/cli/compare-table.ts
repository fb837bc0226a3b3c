import Table from "cli-table3";
import type { Comparison } from "../compare/comparison.ts";
import { failureLines, figuresOf, remarks, type Figures } from "../compare/figures.ts";
import type { ModelSummary } from "../compare/summarise.ts";
import { STYLE } from "./tables.ts";

interface Column {
  readonly head: string;
  readonly cell: (figures: Figures) => string;
}

const COLUMNS: readonly Column[] = [
  { head: "texts", cell: ({ written }) => written },
  { head: "p50", cell: ({ p50 }) => p50 },
  { head: "p95", cell: ({ p95 }) => p95 },
  { head: "tokens in", cell: ({ tokensIn }) => tokensIn },
  { head: "out", cell: ({ tokensOut }) => tokensOut },
  { head: "cost (USD)", cell: ({ cost }) => cost },
  { head: "per 1,000 texts", cell: ({ costPerThousand }) => costPerThousand },
  { head: "characters", cell: ({ characters }) => characters },
];
const FEEDBACK: Column = { head: "feedback", cell: ({ feedback }) => feedback };

/** What `compare` prints: a row for each model, what one has to know to read it, and why texts are missing. */
export function compareTable({ models }: Pick<Comparison, "models">): string {
  const columns = models.some(({ feedback }) => feedback !== null) ? [...COLUMNS, FEEDBACK] : COLUMNS;
  const table = new Table({
    ...STYLE,
    head: ["model", ...columns.map(({ head }) => head)],
    colAligns: ["left", ...columns.map(() => "right" as const)],
  });
  for (const model of models) {
    const figures = figuresOf(model);
    table.push([figures.model, ...columns.map(({ cell }) => cell(figures))]);
  }
  return [table.toString(), ...remarks(models), ...failureTexts(models)].join("\n");
}

function failureTexts(models: readonly ModelSummary[]): string[] {
  const { lines, more } = failureLines(models);
  return [...lines.map(({ title, reason }) => `${title}: ${reason}`), ...(more === 0 ? [] : [`and ${more} more`])];
}
