import { html, type Html } from "../../../platform/html.ts";
import type { BudgetHealth } from "../../../storage/budget-report.ts";
import { percent, table } from "../parts.ts";
import { usdColumn } from "../usd-column.ts";

/** There can be thousands of agents; the most used come first. */
const MOST_ROWS = 50;

export function budgetsTable(budgets: readonly BudgetHealth[]): Html {
  const rows = budgets.slice(0, MOST_ROWS);
  const spent = usdColumn(rows.map(({ spentMicroUsd }) => spentMicroUsd));
  const held = usdColumn(rows.map(({ heldMicroUsd }) => heldMicroUsd));
  const limit = usdColumn(rows.map(({ limitMicroUsd }) => limitMicroUsd));
  return table<BudgetHealth>({
    caption: "Budgets of today",
    rows,
    empty: html`No budget is set; see <code>budgets</code> in the configuration file.`,
    columns: [
      { head: "Budget", cell: ({ name }) => name },
      { head: "Spent", isNumber: true, cell: ({ spentMicroUsd }) => spent(spentMicroUsd) },
      { head: "Reserved by calls under way", isNumber: true, cell: ({ heldMicroUsd }) => held(heldMicroUsd) },
      { head: "Limit", isNumber: true, cell: ({ limitMicroUsd }) => limit(limitMicroUsd) },
      { head: "Used", cell: usedCell },
    ],
  });
}

function usedCell({ name, usedShare }: BudgetHealth): Html {
  const share = Math.min(1, usedShare).toFixed(3);
  const words = percent(usedShare);
  return html`<meter value="${share}" low="0.8" high="0.999" optimum="0" aria-label="used of ${name}">${words}</meter>
    ${words}`;
}
