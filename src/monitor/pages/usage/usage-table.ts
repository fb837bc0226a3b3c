import type { Html } from "../../../platform/html.ts";
import { integer, shortDuration } from "../../../platform/numbers.ts";
import type { UsageRow } from "../../../storage/usage-report.ts";
import { count, table, type Column } from "../parts.ts";
import { usdColumn } from "../usd-column.ts";
import type { HourlyRow } from "./hourly-rows.ts";
import type { UsageView } from "./usage-view.ts";

/** There can be thousands of agents; all of them are in the exports. */
const MOST_ROWS = 100;

export function usageTable(rows: readonly UsageRow[], { by }: UsageView): Html {
  const shown = rows.slice(0, MOST_ROWS);
  const { first, tokensIn, tokensOut, money } = columns<UsageRow>(shown, by);
  return table<UsageRow>({
    caption: `Usage by ${by}${rows.length > MOST_ROWS ? `, the ${MOST_ROWS} that cost most` : ""}`,
    rows: shown,
    empty: "No calls in this time.",
    columns: [
      ...first,
      tokensIn,
      { head: "Of them cached", isNumber: true, cell: ({ cachedInputTokens }) => count(cachedInputTokens) },
      tokensOut,
      ...money,
      { head: "p50", isNumber: true, cell: ({ p50Ms }) => (p50Ms === null ? "" : shortDuration(p50Ms)) },
      { head: "p95", isNumber: true, cell: ({ p95Ms }) => (p95Ms === null ? "" : shortDuration(p95Ms)) },
      { head: "Score", isNumber: true, cell: score },
    ],
  });
}

/** Of the last hours: what is counted by the hour, and no more. */
export function hourlyTable(rows: readonly HourlyRow[], { by }: UsageView): Html {
  const { first, tokensIn, tokensOut, money } = columns<HourlyRow>(rows, by);
  return table<HourlyRow>({
    caption: `Usage by ${by}`,
    rows,
    empty: "No calls in this time.",
    columns: [...first, tokensIn, tokensOut, ...money],
  });
}

/** What both know. */
function columns<Row extends HourlyRow>(rows: readonly Row[], by: UsageView["by"]) {
  const cost = usdColumn(rows.map(({ costMicroUsd }) => costMicroUsd));
  const each = usdColumn(rows.map(costPerThousand));
  const first: Column<Row>[] = [
    { head: `${by.slice(0, 1).toUpperCase()}${by.slice(1)}`, isLong: true, cell: ({ key }) => key },
    { head: "Calls", isNumber: true, cell: ({ requests }) => integer(requests) },
    { head: "Without a text", isNumber: true, cell: ({ failures }) => count(failures) },
  ];
  const tokensIn: Column<Row> = { head: "Tokens in", isNumber: true, cell: ({ inputTokens }) => integer(inputTokens) };
  const tokensOut: Column<Row> = {
    ...{ head: "Tokens out", isNumber: true, cell: ({ outputTokens }) => integer(outputTokens) },
  };
  const money: Column<Row>[] = [
    { head: "Cost", isNumber: true, cell: ({ costMicroUsd, unpriced }) => cost(costMicroUsd, unpriced) },
    {
      ...{ head: "Per 1,000 answers", isNumber: true },
      cell: (row) => (costPerThousand(row) === null ? "" : each(costPerThousand(row), row.unpriced)),
    },
  ];
  return { first, tokensIn, tokensOut, money };
}

/** Micro-USD; `null`: there was no answer. */
function costPerThousand({ costMicroUsd, requests, failures }: HourlyRow): number | null {
  const answers = requests - failures;
  return answers === 0 ? null : (costMicroUsd / answers) * 1000;
}

function score({ feedback }: UsageRow): string {
  return feedback === null ? "" : `${feedback.mean.toFixed(2)} (${integer(feedback.count)})`;
}
