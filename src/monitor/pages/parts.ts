import { html, NOTHING, type Html } from "../../platform/html.ts";
import { duration, formatUsd, integer } from "../../platform/numbers.ts";
import type { Role } from "../access/roles.ts";

/* What several pages are made of. */

/** How a thing is doing; said by colour, form and word. */
export type Health = "good" | "warn" | "bad" | "idle";

export function state(health: Health, words: string): Html {
  return html`<span class="state ${health}">${words}</span>`;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Html | string;
  readonly isNumber?: boolean;
  /** Holds long texts. */
  readonly isLong?: boolean;
}

export interface TableParts<Row> {
  /** What the table shows, for people who do not see where it stands. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Instead of a table without rows. */
  readonly empty: Html | string;
}

/** The first column names the row. On a phone every row is a card. */
export function table<Row>({ caption, columns, rows, empty }: TableParts<Row>): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table class="cards">
      <caption class="hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(headCell)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) => cell(column, row, index === 0))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A column of buttons needs no head, except for those who do not see them. */
function headCell({ head, isNumber }: Pick<Column<never>, "head" | "isNumber">): Html {
  const words = head === "" ? html`<span class="hidden">Actions</span>` : head;
  return html`<th scope="col" class="${isNumber === true ? "number" : ""}">${words}</th>`;
}

function cell<Row>(column: Column<Row>, row: Row, isFirst: boolean): Html {
  const content = column.cell(row);
  if (isFirst) return html`<th scope="row" class="${column.isLong === true ? "name" : ""}">${content}</th>`;
  const kind = column.isNumber === true ? "number" : column.isLong === true ? "long" : "";
  return html`<td class="${kind}" data-label="${column.head}">${content}</td>`;
}

export interface Figure {
  readonly name: string;
  readonly value: Html | string;
  readonly note?: Html | string;
}

export function figures(all: readonly Figure[]): Html {
  return html`<dl class="figures">
    ${all.map(
      ({ name, value, note = "" }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}${note === "" ? NOTHING : html`<small>${note}</small>`}</dd>
        </div>`,
    )}
  </dl>`;
}

export interface ButtonParts {
  readonly action: string;
  readonly label: string;
  /** For those who hear the label only: what it is about. */
  readonly about?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Asked before it is done. */
  readonly question?: string;
  readonly isDanger?: boolean;
}

/** A form of one button. Nothing for viewers: they change nothing. */
export function button(role: Role, parts: ButtonParts): Html {
  if (role !== "operator") return NOTHING;
  const { action, label, about, fields = {}, question, isDanger = false } = parts;
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
  const ask = question === undefined ? NOTHING : html`data-confirm="${question}"`;
  const spoken = about === undefined ? NOTHING : html`<span class="hidden"> ${about}</span>`;
  return html`<form method="post" action="${action}" ${ask}>
    ${hidden}<button class="${isDanger ? "danger" : ""}">${label}${spoken}</button>
  </form>`;
}

/** Three lines of a text that may be long; the whole of it shows when it is pointed at. */
export function clamped(text: string): Html {
  return html`<small class="clamped" title="${text}">${text}</small>`;
}

/** A moment, and how long ago or ahead it is. */
export function moment(at: number, now: number): Html {
  const words = at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`;
  return html`<time datetime="${new Date(at).toISOString()}" title="${new Date(at).toISOString()}">${words}</time>`;
}

/** A moment that stays as it is, UTC: `2026-11-26 15:04:05`. */
export function timestamp(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")}</time>`;
}

/** `$0.0123`; with `+ ?` when the price of a part is not known. */
export function usd(microUsd: number | null, unpriced = 0): string {
  if (microUsd === null) return "unknown";
  return `$${formatUsd(microUsd)}${unpriced > 0 ? " + ?" : ""}`;
}

export function count(value: number): string {
  return value === 0 ? "" : integer(value);
}

/** Rounded down to a tenth: what is not all of it does not read `100 %`. */
export function percent(share: number): string {
  return `${Math.floor(share * 1000 + 1e-9) / 10}\u00a0%`;
}
