import { alignedTable, type Column } from "./aligned-table.ts";
import type { ModelRow } from "./model-rows.ts";

const UNKNOWN = "?";

const COLUMNS: readonly Column<ModelRow>[] = [
  { head: "model", cell: nameWithMarks },
  { head: "speed", cell: ({ speed }) => speed ?? UNKNOWN },
  { head: "quality", cell: ({ quality }) => quality ?? UNKNOWN },
  { head: "cost", cell: ({ cost }) => cost ?? UNKNOWN },
  { head: "best for", cell: ({ bestFor }) => bestFor ?? UNKNOWN },
  { head: "window", isNumber: true, cell: ({ contextTokens }) => shortCount(contextTokens) },
  { head: "in/out", isNumber: true, cell: ({ price }) => shortPrice(price) },
];

/** Left out where no model of the provider has a date. */
const RETIRES: Column<ModelRow> = { head: "retires", isNumber: true, cell: ({ retiresOn }) => retiresOn ?? "" };

/** @param titles provider → how people write it */
export function modelsTable(rows: readonly ModelRow[], titles: ReadonlyMap<string, string>): string {
  return [...Map.groupBy(rows, ({ provider }) => provider)]
    .map(([provider, models]) => {
      const title = titles.get(provider) ?? provider;
      const hasDates = models.some(({ retiresOn }) => retiresOn !== null);
      const table = alignedTable(models, hasDates ? [...COLUMNS, RETIRES] : COLUMNS);
      return `${title === provider ? provider : `${provider} (${title})`}\n${table}\n`;
    })
    .join("\n");
}

function nameWithMarks({ model, isDefault, usedBy }: ModelRow): string {
  const marks = `${isDefault ? "*" : ""}${usedBy.length > 0 ? "+" : ""}`;
  return marks === "" ? model : `${model} ${marks}`;
}

/** `1.05M`, `400k`, `8k` */
function shortCount(tokens: number | null): string {
  if (tokens === null) return UNKNOWN;
  if (tokens < 1000) return String(tokens);
  return tokens < 1e6 ? `${Math.round(tokens / 1000)}k` : `${Number((tokens / 1e6).toFixed(2))}M`;
}

function shortPrice(price: ModelRow["price"]): string {
  if (price === null) return UNKNOWN;
  return price === "free" ? "free" : `${price.inputMtok}/${price.outputMtok}`;
}

export interface Hidden {
  /** Models that are retired and not shown. */
  readonly retired: number;
}

/** What the marks mean, how old the facts are, and what to do about one that is wrong. */
export function modelsFootnotes(rows: readonly ModelRow[], { retired }: Hidden): string[] {
  const read = rangeOf(rows.map(({ readOn }) => readOn));
  const judged = rangeOf(rows.map(({ judgedOn }) => judgedOn));
  return [
    "* the default of its provider   + used by your agents   ? not known",
    "window: tokens of input and output together   in/out: USD per million tokens of each",
    ...(rows.some(({ retiresOn }) => retiresOn !== null)
      ? ["From the day under retires on (UTC) the vendor may refuse the model."]
      : []),
    ...(retired > 0 ? [`${retired} retired models are not shown: add --all.`] : []),
    ...(read === null ? [] : [`Read from public sources ${read}, which --json names.`]),
    ...(judged === null ? [] : [`Speed, quality, cost and use are our judgement ${judged}.`]),
    'Wrong, or missing? "models" and "prices" in the configuration file win: see docs/models.md.',
  ];
}

function rangeOf(dates: readonly (string | null)[]): string | null {
  const known = dates.filter((date) => date !== null).sort();
  const [first] = known;
  const last = known.at(-1);
  if (first === undefined || last === undefined) return null;
  return first === last ? `on ${first}` : `from ${first} to ${last}`;
}
