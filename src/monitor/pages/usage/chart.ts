import { html, type Html } from "../../../platform/html.ts";
import { integer } from "../../../platform/numbers.ts";
import type { OneSeries, UsageSeries } from "../../../storage/usage-series.ts";

export interface ChartParts {
  readonly title: string;
  readonly unit: "USD" | "calls" | "tokens";
  readonly series: UsageSeries;
  readonly values: (one: OneSeries) => readonly number[];
}

/** As many as there are colours that people tell apart; the rest are drawn as one. The table has all of them. */
const MOST_DRAWN = 8;

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

/** Bars over time, drawn by assets/charts.js, and a table with the same numbers: for screen readers, and without script. */
export function chart({ title, unit, series, values }: ChartParts): Html {
  const shown = series.series.map((one) => ({ name: one.key, values: values(one) }));
  const plot = shown.some((one) => one.values.some((value) => value > 0))
    ? html`<div class="plot" data-chart="${dataOf(series, unit, shown)}" aria-hidden="true"></div>`
    : html`<p class="empty">nothing yet</p>`;
  const name = `${title} over time`;
  return html`<figure>
    <figcaption>${title}</figcaption>
    ${plot}
    <details>
      <summary>Numbers<span class="hidden"> of ${name}</span></summary>
      <div class="scroll" tabindex="0" role="region" aria-label="${name}">
        <table>
          <thead>
            <tr>
              <th scope="col">From (UTC)</th>
              ${shown.map((one) => html`<th scope="col" class="number">${one.name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${series.startsAt.map((at, bucket) =>
              row(
                at,
                shown.map((one) => write(one.values[bucket] ?? 0, unit)),
              ),
            )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}

function dataOf({ startsAt, stepMs }: UsageSeries, unit: ChartParts["unit"], lines: readonly Line[]): string {
  return JSON.stringify({ at: startsAt, stepMs, unit, series: folded(lines) });
}

function folded(lines: readonly Line[]): readonly Line[] {
  if (lines.length <= MOST_DRAWN + 1) return lines;
  const others = lines.slice(MOST_DRAWN).map(({ values }) => values);
  const sums = others.reduce((sum, values) => sum.map((value, bucket) => value + (values[bucket] ?? 0)));
  return [...lines.slice(0, MOST_DRAWN), { name: "others", values: sums }];
}

function row(at: number, cells: readonly string[]): Html {
  const from = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  return html`<tr>
    <th scope="row">${from}</th>
    ${cells.map((text) => html`<td class="number">${text}</td>`)}
  </tr>`;
}

function write(value: number, unit: ChartParts["unit"]): string {
  if (value === 0) return "";
  return unit === "USD" ? value.toFixed(value < 0.01 ? 6 : 2) : integer(value);
}
