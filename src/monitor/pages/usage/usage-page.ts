import { html, type Html } from "../../../platform/html.ts";
import { formatUsd, integer } from "../../../platform/numbers.ts";
import { readHealth } from "../../../storage/health-report.ts";
import { readTexts, type TextsOfKind } from "../../../storage/text-report.ts";
import { readUsageSeries, type UsageSeries } from "../../../storage/usage-series.ts";
import { readUsage } from "../../../storage/usage-report.ts";
import type { MonitorSystem } from "../../system.ts";
import { choices, pick } from "../choices.ts";
import type { Page } from "../page.ts";
import { figures, usd, type Figure } from "../parts.ts";
import { budgetsTable } from "./budgets-table.ts";
import { chart } from "./chart.ts";
import { hourlyRows, type HourlyRow } from "./hourly-rows.ts";
import { textsTable } from "./texts-table.ts";
import { hourlyTable, usageTable } from "./usage-table.ts";
import type { UsageView } from "./usage-view.ts";

const DAYS = { "1": "today (UTC)", "7": "7 days", "30": "30 days", "90": "90 days", "400": "400 days" } as const;
const HOURS: Readonly<Record<string, number>> = { "24h": 24, "48h": 48 };
const RANGES: Readonly<Record<string, string>> = { "24h": "24 hours", "48h": "48 hours", ...DAYS };
const DIMENSIONS: Readonly<Record<UsageView["by"], string>> = {
  ...{ model: "model", provider: "provider", agent: "agent", kind: "kind" },
};

/** There can be thousands of agents on each day; exports take as many days as are kept. */
const MOST_AGENT_DAYS = 30;

/** What does it cost, and what for? */
export const usagePage: Page = {
  path: "/usage",
  async render({ query, now }, system) {
    const view = viewOf(query);
    const { budgets, ...read } = await readAll(system, view, now);
    const main = html`<h1>Usage and cost</h1>
      ${filters(view)} ${view.hours === null ? ofDays(read, view) : ofHours(read.series, view)}
      <h2>Budgets of today <small>UTC</small></h2>
      ${budgetsTable(budgets)}`;
    return { title: "Usage and cost", main };
  },
};

/** Agents are counted by the day only: hours of them are today. */
function viewOf(query: URLSearchParams): UsageView {
  const by = pick(query, "by", [DIMENSIONS, "model"]);
  const asked = pick(query, "days", [RANGES, "7"]);
  const hours = HOURS[asked] ?? null;
  const days = hours === null ? Number(asked) : 1;
  if (by !== "agent") return { by, days, hours, range: asked };
  const most = Math.min(days, MOST_AGENT_DAYS);
  return { by, days: most, hours: null, range: String(most) };
}

function ofDays({ series, rows, texts }: Omit<Read, "budgets">, view: UsageView): Html {
  const uncertainMicroUsd = rows.reduce((total, { possiblyBilledMicroUsd }) => total + possiblyBilledMicroUsd, 0);
  return html`${totals(rows, { texts, uncertainMicroUsd })} ${charts(series)}
    <h2>By ${view.by}</h2>
    ${usageTable(rows, view)} ${exports(view)}
    <h2>Texts by kind</h2>
    ${textsTable(texts)}`;
}

/** From the numbers that the charts show: nothing else is counted by the hour. */
function ofHours(series: UsageSeries, view: UsageView): Html {
  const rows = hourlyRows(series);
  return html`${totals(rows, null)} ${charts(series)}
    <h2>By ${view.by}</h2>
    ${hourlyTable(rows, view)}
    <p class="hint">Calls of unknown price are not in the cost. Texts, times and scores are counted by the day.</p>`;
}

function charts(series: UsageSeries): Html {
  return html`<div class="charts">
    ${chart({ title: "Cost (USD)", unit: "USD", series, values: ({ costMicroUsd }) => costMicroUsd.map((micro) => micro / 1e6) })}
    ${chart({ title: "Calls", unit: "calls", series, values: ({ requests }) => requests })}
    ${chart({ title: "Tokens, in and out", unit: "tokens", series, values: tokensOf })}
  </div>`;
}

type Read = Awaited<ReturnType<typeof readAll>>;

async function readAll({ redis, namespace, budgets }: MonitorSystem, { days, hours, by }: UsageView, now: number) {
  const count = hours ?? (days === 1 ? hoursOf(now) : null);
  const [series, rows, texts, health] = await Promise.all([
    by === "agent"
      ? readUsageSeries(redis, namespace, { by, per: "day", now, count: days })
      : readUsageSeries(redis, namespace, {
          by,
          now,
          ...(count === null ? { per: "day", count: days } : { per: "hour", count }),
        }),
    hours === null ? readUsage(redis, namespace, { by, now, days }) : [],
    hours === null ? readTexts(redis, namespace, { now, days }) : [],
    readHealth(redis, namespace, { now, budgets }),
  ]);
  return { series, rows, texts, budgets: health.budgets };
}

/** Of today, the one that has begun included. */
function hoursOf(now: number): number {
  return new Date(now).getUTCHours() + 1;
}

function tokensOf({ inputTokens, outputTokens }: UsageSeries["series"][number]): number[] {
  return inputTokens.map((tokens, index) => tokens + (outputTokens[index] ?? 0));
}

function filters({ range, by }: UsageView): Html {
  return html`<form class="filters" action="/usage">
    <label>Time ${choices("days", RANGES, range)}</label>
    <label>By ${choices("by", DIMENSIONS, by)}</label>
    <button>Show</button>
  </form>`;
}

interface Daily {
  readonly texts: readonly TextsOfKind[];
  readonly uncertainMicroUsd: number;
}

/** @param daily `null`: hours are shown, of which that is not known */
function totals(rows: readonly HourlyRow[], daily: Daily | null): Html {
  const sum = (name: "requests" | "inputTokens" | "outputTokens" | "costMicroUsd" | "unpriced"): number =>
    rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const uncertain = daily?.uncertainMicroUsd ?? 0;
  return figures([
    {
      name: "Cost",
      value: usd(sum("costMicroUsd"), sum("unpriced")),
      ...(uncertain > 0 ? { note: `up to $${formatUsd(uncertain)} of it may not have been billed` } : {}),
    },
    ...(daily === null ? [] : figuresOfTexts(daily.texts)),
    { name: "Calls", value: integer(sum("requests")) },
    { name: "Tokens in", value: integer(sum("inputTokens")) },
    { name: "Tokens out", value: integer(sum("outputTokens")) },
  ]);
}

function figuresOfTexts(texts: readonly TextsOfKind[]): Figure[] {
  const tweets = texts.find(({ kind }) => kind === "tweet");
  const succeeded = texts.reduce((total, { done }) => total + (done.succeeded ?? 0), 0);
  return [
    {
      name: "Cost per 1,000 tweets",
      value: tweets?.costPerThousandMicroUsd == null ? "–" : usd(tweets.costPerThousandMicroUsd, tweets.unpriced),
      note: "all attempts of tweets, failed ones too",
    },
    { name: "Texts", value: integer(succeeded) },
  ];
}

function exports({ by, days }: UsageView): Html {
  const query = `by=${by}&days=${days}`;
  return html`<p class="hint">
    The same numbers as <a href="/api/v1/usage.csv?${query}" download="usage-by-${by}.csv">CSV</a> or
    <a href="/api/v1/usage?${query}">JSON</a>.
  </p>`;
}
