import Table from "cli-table3";
import { formatUsd, integer, milliseconds } from "../platform/numbers.ts";
import type { FeedbackMean, UsageRow } from "../storage/usage-report.ts";

/** Plain ASCII borders nowhere: narrow columns that survive a small terminal. */
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
  /** Left out by a run, whose texts nobody has scored yet. */
  Partial<Pick<UsageRow, "feedback">>;

const HEAD = ["requests", "failed", "tokens in", "tokens out", "total", "cost (USD)", "latency avg", "p50", "p95"];

export function usageTable(title: string, rows: readonly ShownUsage[]): string {
  const head = rows.some(hasFeedback) ? [...HEAD, "feedback"] : HEAD;
  const table = new Table({
    ...STYLE,
    head: [title, ...head],
    colAligns: ["left", ...head.map(() => "right" as const)],
  });
  for (const row of rows.length > 1 ? [...rows, sum(rows)] : rows) table.push(cells(row).slice(0, head.length + 1));
  return [table.toString(), ...notes(rows)].join("\n");
}

function cells(row: ShownUsage): string[] {
  return [
    row.key,
    integer(row.requests),
    integer(row.failures),
    integer(row.inputTokens),
    integer(row.outputTokens),
    integer(row.totalTokens),
    `${formatUsd(row.costMicroUsd)}${row.unpriced > 0 ? " + ?" : ""}`,
    milliseconds(row.averageMs),
    row.p50Ms === null ? "" : milliseconds(row.p50Ms),
    row.p95Ms === null ? "" : milliseconds(row.p95Ms),
    row.feedback ? showFeedback(row.feedback) : "",
  ];
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
