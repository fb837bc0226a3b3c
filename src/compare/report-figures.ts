import { barChart, latencyChart } from "./charts.ts";
import { failureLines, figuresOf, remarks } from "./figures.ts";
import { html, NOTHING, type Html } from "../platform/html.ts";
import type { ModelSummary } from "./summarise.ts";

/** The table of models, what one has to know to read it, and why texts are missing. */
export function figuresSection(models: readonly ModelSummary[]): Html {
  const hasFeedback = models.some(({ feedback }) => feedback !== null);
  const scale: Scale = {
    longestMs: largest(models.map(({ latenciesMs }) => latenciesMs.at(-1) ?? 0)),
    dearestMicroUsd: largest(models.map(({ costPerThousandMicroUsd }) => costPerThousandMicroUsd ?? 0)),
    hasFeedback,
  };
  return html`<section>
    <h2>The figures</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col" class="number">Texts</th>
          <th scope="col">Latency, p50 to p95</th>
          <th scope="col">Cost of 1,000 texts, USD</th>
          <th scope="col" class="number">Cost, USD</th>
          <th scope="col" class="number">Tokens<br />in / out</th>
          <th scope="col" class="number">Characters</th>
          ${hasFeedback ? html`<th scope="col" class="number">Feedback</th>` : NOTHING}
        </tr>
      </thead>
      <tbody>
        ${models.map((model) => row(model, scale))}
      </tbody>
    </table>
    <p class="remarks">
      Latency is that of the call that brought the text: each mark is a call, the dot is p50, the line ends at p95.
      Tokens and characters are averages per text. ${remarks(models).join(" ")}
    </p>
    ${failures(models)}
  </section>`;
}

interface Scale {
  readonly longestMs: number;
  readonly dearestMicroUsd: number;
  readonly hasFeedback: boolean;
}

function row(model: ModelSummary, { longestMs, dearestMicroUsd, hasFeedback }: Scale): Html {
  const figures = figuresOf(model);
  const range = model.p50Ms === null ? figures.p50 : `${figures.p50} to ${figures.p95}`;
  const bar = barChart(model.costPerThousandMicroUsd, dearestMicroUsd, `${figures.costPerThousand} USD`);
  return html`<tr>
    <th scope="row">${modelName(model.model)}</th>
    <td class="number" data-label="Texts"><span>${figures.written}</span></td>
    <td class="drawn" data-label="Latency">
      <span>${latencyChart(model, longestMs)}<small>${range}</small></span>
    </td>
    <td class="drawn" data-label="1,000 texts, USD">
      <span>${bar}<small>${figures.costPerThousand}</small></span>
    </td>
    <td class="number" data-label="Cost, USD"><span>${figures.cost}</span></td>
    <td class="number" data-label="Tokens in / out"><span>${figures.tokensIn} / ${figures.tokensOut}</span></td>
    <td class="number" data-label="Characters"><span>${figures.characters}</span></td>
    ${hasFeedback ? html`<td class="number" data-label="Feedback"><span>${figures.feedback}</span></td>` : NOTHING}
  </tr>`;
}

/** The vendor stands back: models are told apart by their names. */
export function modelName(name: string): Html {
  const slash = name.indexOf("/") + 1;
  return html`<span class="vendor">${name.slice(0, slash)}</span>${name.slice(slash)}`;
}

function failures(models: readonly ModelSummary[]): Html {
  const { lines, more } = failureLines(models);
  if (lines.length === 0) return NOTHING;
  return html`<ul class="failures">
    ${lines.map(({ title, reason }) => html`<li><b>${title}:</b> <bdi>${reason}</bdi></li>`)}
    ${more === 0 ? NOTHING : html`<li>and ${more} more</li>`}
  </ul>`;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
