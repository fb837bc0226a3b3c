import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { integer } from "../../../platform/numbers.ts";
import { table, type TableParts } from "../parts.ts";

/** A page is sent anew whenever something in it has changed: what is long is cut. */
const SHOWN = 25;
/** Folded up ones included. */
const MOST_BUSY = 100;

export interface LongTable<Row> extends TableParts<Row> {
  /** The most pressing first. */
  readonly rows: readonly Row[];
  /** E.g. `lane`. */
  readonly noun: string;
  /** Of more than so many, idle ones are left out. */
  readonly most: number;
  /** Whether it can be left out where there are too many. */
  readonly isIdle: (row: Row) => boolean;
  /** Where those that are left out can be looked up. */
  readonly elsewhere: Html;
}

/** A table of what wants a look; the rest is folded up below, and idle ones of very many are only counted. */
export function longTable<Row>({ noun, most, isIdle, elsewhere, ...parts }: LongTable<Row>): Html {
  const { rows } = parts;
  const kept = rows.length > most ? rows.filter((row) => !isIdle(row)) : rows;
  // Where all are idle, some are better than none.
  const listed = kept.length === 0 ? rows.slice(0, SHOWN) : kept.slice(0, MOST_BUSY);
  const [first, more] = [listed.slice(0, SHOWN), listed.slice(SHOWN)];
  return html`${table({ ...parts, rows: first })}${folded(more, { noun, isIdle, parts })}${leftOut(rows.length - listed.length, { noun, elsewhere })}`;
}

interface Folding<Row> {
  readonly noun: string;
  readonly isIdle: (row: Row) => boolean;
  readonly parts: TableParts<Row>;
}

function folded<Row>(rows: readonly Row[], { noun, isIdle, parts }: Folding<Row>): Html {
  if (rows.length === 0) return NOTHING;
  return html`<details>
    <summary>${integer(rows.length)} more ${nouns(noun, rows.length)}${rows.every(isIdle) ? ", idle" : ""}</summary>
    ${table({ ...parts, caption: `${parts.caption}, the others`, rows })}
  </details>`;
}

function leftOut(number: number, { noun, elsewhere }: { readonly noun: string; readonly elsewhere: Html }): Html {
  if (number === 0) return NOTHING;
  return html`<p class="hint">${integer(number)} more ${nouns(noun, number)}, not shown: ${elsewhere}.</p>`;
}

function nouns(noun: string, number: number): string {
  return number === 1 ? noun : `${noun}s`;
}
