import type { TerminalStatus } from "../../../job/generation-result.ts";
import { html, type Html } from "../../../platform/html.ts";
import type { TextsOfKind } from "../../../storage/text-report.ts";
import { count, table, type Column } from "../parts.ts";
import { usdColumn } from "../usd-column.ts";

/** What went wrong, or wants somebody, leads to its list. */
function countOf(head: string, status: TerminalStatus): Column<TextsOfKind> {
  const isCalm = status === "succeeded" || status === "cancelled";
  return {
    ...{ head, isNumber: true },
    cell: ({ kind, done }) => {
      const words = count(done[status] ?? 0);
      if (words === "" || isCalm) return words;
      return html`<a href="/results?kind=${encodeURIComponent(kind)}&amp;status=${status}">${words}</a>`;
    },
  };
}

/** What became of jobs; counted by the day. */
export function textsTable(texts: readonly TextsOfKind[]): Html {
  const cost = usdColumn(texts.map(({ costMicroUsd }) => costMicroUsd));
  const each = usdColumn(texts.map(({ costPerThousandMicroUsd }) => costPerThousandMicroUsd));
  return table<TextsOfKind>({
    caption: "Texts by kind",
    rows: texts,
    empty: "No job has ended yet.",
    columns: [
      { head: "Kind", cell: ({ kind }) => kind },
      countOf("Succeeded", "succeeded"),
      countOf("Held", "held"),
      countOf("Failed", "failed"),
      countOf("Expired", "expired"),
      countOf("Cancelled", "cancelled"),
      { head: "Cost", isNumber: true, cell: ({ costMicroUsd, unpriced }) => cost(costMicroUsd, unpriced) },
      {
        head: "Per 1,000 texts",
        isNumber: true,
        cell: ({ costPerThousandMicroUsd: micro, unpriced }) => (micro === null ? "" : each(micro, unpriced)),
      },
    ],
  });
}
