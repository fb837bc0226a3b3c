import { formatUsd, integer, shortDuration } from "../platform/numbers.ts";
import type { FeedbackMean, UsageRow } from "../storage/usage-report.ts";
import { WIDEST_LINE, alignedTable, tableWidth, type Column } from "./aligned-table.ts";

/** Narrow columns, without lines between rows. */
export const STYLE = {
  chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  style: { head: [], border: [], compact: true },
};

/** What a usage table shows of a row. Latencies in ms. */
export type ShownUsage = Pick<
  UsageRow,
  | "key"
  | "requests"
  | "failures"
  | "inputTokens"
  | "outputTokens"
  | "totalTokens"
  | "costMicroUsd"
  | "possiblyBilledMicroUsd"
  | "unpriced"
  | "p50Ms"
  | "p95Ms"
  | "averageMs"
> &
  /** Left out by a run, whose texts nobody has scored yet, and whose own lines tell what came from the cache. */
  Partial<Pick<UsageRow, "cacheHits" | "feedback">>;

/** Tokens of input and output together: left out where the table is too wide with it. */
const TOTAL = numberColumn("total", ({ totalTokens }) => integer(totalTokens));
const FEEDBACK = numberColumn("feedback", ({ feedback }) => (feedback ? showFeedback(feedback) : ""));
const CACHED = numberColumn("from cache", ({ cacheHits }) => (cacheHits ? integer(cacheHits) : ""));
const GAPS = { text: 2, number: 2 };

export function usageTable(title: string, rows: readonly ShownUsage[]): string {
  const shown = rows.length > 1 ? [...rows, sum(rows)] : rows;
  const all = columnsOf(title, rows);
  const columns = tableWidth(shown, all, GAPS) <= WIDEST_LINE ? all : all.filter((column) => column !== TOTAL);
  return [alignedTable(shown, columns, GAPS), ...notes(rows)].join("\n");
}

function columnsOf(title: string, rows: readonly ShownUsage[]): Column<ShownUsage>[] {
  return [
    { head: title, cell: ({ key }) => key },
    numberColumn("requests", ({ requests }) => integer(requests)),
    numberColumn("failed", ({ failures }) => integer(failures)),
    numberColumn("tokens in", ({ inputTokens }) => integer(inputTokens)),
    numberColumn("tokens out", ({ outputTokens }) => integer(outputTokens)),
    TOTAL,
    numberColumn(
      "cost (USD)",
      ({ costMicroUsd, unpriced }) => `${formatUsd(costMicroUsd)}${unpriced > 0 ? " + ?" : ""}`,
    ),
    numberColumn("latency", ({ averageMs }) => shortDuration(averageMs)),
    numberColumn("p50", ({ p50Ms }) => (p50Ms === null ? "" : shortDuration(p50Ms))),
    numberColumn("p95", ({ p95Ms }) => (p95Ms === null ? "" : shortDuration(p95Ms))),
    ...(rows.some(({ cacheHits = 0 }) => cacheHits > 0) ? [CACHED] : []),
    ...(rows.some(hasFeedback) ? [FEEDBACK] : []),
  ];
}

function numberColumn(head: string, cell: Column<ShownUsage>["cell"]): Column<ShownUsage> {
  return { head, isNumber: true, cell };
}

function hasFeedback({ feedback = null }: ShownUsage): boolean {
  return feedback !== null;
}

/** Mean score, and of how many texts: `0.82 (41)`. */
function showFeedback({ mean, count }: FeedbackMean): string {
  return `${mean.toFixed(2)} (${integer(count)})`;
}

function meanOf(rows: readonly ShownUsage[]): FeedbackMean | null {
  const scored = rows.flatMap(({ feedback }) => feedback ?? []);
  const count = scored.reduce((total, one) => total + one.count, 0);
  const total = scored.reduce((subtotal, one) => subtotal + one.mean * one.count, 0);
  return count === 0 ? null : { count, mean: total / count };
}

function sum(rows: readonly ShownUsage[]): ShownUsage {
  const total = (
    name:
      | "requests"
      | "failures"
      | "inputTokens"
      | "outputTokens"
      | "totalTokens"
      | "costMicroUsd"
      | "possiblyBilledMicroUsd"
      | "unpriced",
  ): number => rows.reduce((subtotal, row) => subtotal + row[name], 0);
  const requests = total("requests");
  const averageMs = rows.reduce((subtotal, row) => subtotal + row.averageMs * row.requests, 0) / Math.max(1, requests);
  return {
    key: "all",
    requests,
    failures: total("failures"),
    inputTokens: total("inputTokens"),
    outputTokens: total("outputTokens"),
    totalTokens: total("totalTokens"),
    costMicroUsd: total("costMicroUsd"),
    possiblyBilledMicroUsd: total("possiblyBilledMicroUsd"),
    unpriced: total("unpriced"),
    averageMs: Math.round(averageMs),
    p50Ms: null,
    p95Ms: null,
    cacheHits: rows.reduce((subtotal, { cacheHits = 0 }) => subtotal + cacheHits, 0),
    feedback: meanOf(rows),
  };
}

function notes(rows: readonly ShownUsage[]): string[] {
  const lines: string[] = [];
  const unpriced = rows.reduce((total, row) => total + row.unpriced, 0);
  const uncertain = rows.reduce((total, row) => total + row.possiblyBilledMicroUsd, 0);
  if (unpriced > 0)
    lines.push(
      `+ ?  ${integer(unpriced)} requests have no known price and are not in the cost; add it under "prices" in the configuration file`,
    );
  if (uncertain > 0)
    lines.push(
      `up to ${formatUsd(uncertain)} USD of the cost is uncertain: the vendor may or may not have billed requests that broke off`,
    );
  return lines;
}
