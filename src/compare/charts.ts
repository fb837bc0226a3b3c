import { milliseconds } from "../platform/numbers.ts";
import { html, NOTHING, type Html } from "../platform/html.ts";
import type { ModelSummary } from "./summarise.ts";

/** Single calls are drawn while there are few enough to tell apart. */
const MOST_MARKS = 120;

/** From p50 to p95, with a mark for every call. @param longestMs what the whole width stands for */
export function latencyChart({ latenciesMs, p50Ms, p95Ms }: ModelSummary, longestMs: number): Html {
  if (p50Ms === null || p95Ms === null) return NOTHING;
  const at = (ms: number): string => place(longestMs === 0 ? 0 : ms / longestMs);
  const marks = latenciesMs.length > MOST_MARKS ? [] : [...new Set(latenciesMs)];
  const label = `p50 ${milliseconds(p50Ms)}, p95 ${milliseconds(p95Ms)}`;
  return html`<svg class="chart" role="img" aria-label="${label}" width="100%" height="16">
    <line class="axis" x1="${place(0)}" x2="${place(1)}" y1="8" y2="8" />
    ${marks.map((ms) => html`<line class="call" x1="${at(ms)}" x2="${at(ms)}" y1="3" y2="13" />`)}
    <line class="range" x1="${at(p50Ms)}" x2="${at(p95Ms)}" y1="8" y2="8" />
    <circle class="median" cx="${at(p50Ms)}" cy="8" r="4.5" />
  </svg>`;
}

/** @param largest what the whole width stands for */
export function barChart(value: number | null, largest: number, label: string): Html {
  if (value === null) return NOTHING;
  return html`<svg class="chart" role="img" aria-label="${label}" width="100%" height="16">
    <line class="axis" x1="${place(0)}" x2="${place(1)}" y1="8" y2="8" />
    <line class="bar" x1="${place(0)}" x2="${place(largest === 0 ? 0 : value / largest)}" y1="8" y2="8" />
  </svg>`;
}

function place(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
