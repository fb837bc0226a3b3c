import { createHash } from "node:crypto";
import type { Comparison } from "./comparison.ts";
import { findings } from "./findings.ts";
import { html, NOTHING, trustedMarkup, type Html } from "../platform/html.ts";
import { plural } from "../platform/numbers.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { figuresSection } from "./report-figures.ts";
import { textsSection } from "./report-texts.ts";

/**
 * The comparison as one page of HTML that needs nothing else: no script, no font, no picture, no address that a browser
 * would ask. It is well-formed XML, too.
 */
export function renderReport(comparison: Comparison): string {
  const { name, models, jobs } = comparison;
  const title = `${counted(models.length, "model")}, ${counted(jobs.length, "job")}`;
  const lede = findings(models).join(" ");
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="referrer" content="no-referrer" />
      <title>${title}: comparison ${name}</title>
      ${STYLE}
    </head>
    <body>
      <header class="masthead">
        <p class="kicker">Puppet Engine · Comparison</p>
        <h1>${capitalised(title)}</h1>
        <p class="dateline">${dateline(comparison).map((part) => html`<span>${part}</span> `)}</p>
      </header>
      <main>
        ${lede === "" ? NOTHING : html`<p class="lede">${withWholeNames(lede, models)}</p>`} ${figuresSection(models)}
        ${textsSection(jobs)}
      </main>
      <footer class="colophon">
        <p>
          Every text was asked of one model alone, without a fall-back, with the agent’s own prompt and parameters.
          Costs in USD.
        </p>
      </footer>
    </body>
  </html>`;
  return `<!doctype html>\n${page.markup}\n`;
}

/** No line ends within the name of a model. Of what such a name may contain, the full stop alone is special here. */
function withWholeNames(text: string, models: Comparison["models"]): Html[] {
  const names = models.map(({ model }) => model).sort((a, b) => b.length - a.length);
  const name = new RegExp(`(${names.map((it) => it.replaceAll(".", "\\.")).join("|")})`);
  return text
    .split(name)
    .map((part) => (names.includes(part) ? html`<span class="name">${part}</span>` : html`${part}`));
}

/** Its hash is of every character, and it has nothing in it that XML would have to escape. */
const STYLE: Html = trustedMarkup(`<style>${REPORT_STYLE}</style>`);

/** Nothing but this very style sheet is allowed. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(REPORT_STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

function dateline({ name, from, to, jobs }: Comparison): string[] {
  const agents = [...new Set(jobs.map(({ agentId }) => agentId))];
  const texts = jobs.reduce((sum, job) => sum + job.texts.length, 0);
  return [name, period(from, to), `${plural(texts, "answer")} of ${listed(agents)}`];
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: "UTC" });

/** `26 November 2026, 14:05–14:07 UTC` */
function period(from: number, to: number): string {
  const [start, end] = [from, to].map((at) => ({ day: DAY.format(at), time: TIME.format(at) }));
  if (start === undefined || end === undefined) return "";
  if (start.day !== end.day) return `${start.day}, ${start.time} – ${end.day}, ${end.time} UTC`;
  return `${end.day}, ${start.time === end.time ? end.time : `${start.time}–${end.time}`} UTC`;
}

const MOST_NAMES = 4;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  const shown = more > 0 ? [...names.slice(0, MOST_NAMES), `${more} more`] : names;
  return new Intl.ListFormat("en-GB").format(shown);
}

const NUMBERS = [
  "no",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
];

function counted(count: number, noun: string): string {
  return `${NUMBERS[count] ?? count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
