import Table from "cli-table3";
import { formatUsd, integer, milliseconds } from "../platform/numbers.ts";
import type { UsageRow } from "../storage/usage-report.ts";

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
>;

const HEAD = ["requests", "failed", "tokens in", "tokens out", "total", "cost (USD)", "latency avg", "p50", "p95"];

export function usageTable(title: string, rows: readonly ShownUsage[]): string {
  const table = new Table({
    ...STYLE,
    head: [title, ...HEAD],
    colAligns: ["left", ...HEAD.map(() => "right" as const)],
  });
  for (const row of rows) table.push(cells(row));
  if (rows.length > 1) table.push(cells(sum(rows)));
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
  ];
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
