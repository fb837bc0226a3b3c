import type { AttemptSummary, GenerationResult, SucceededResult } from "../job/generation-result.ts";
import { formatUsd, integer, milliseconds } from "../platform/numbers.ts";
import type { ComparedJob } from "./comparison.ts";
import type { ComparedText } from "./summarise.ts";
import { describeJob } from "./describe-job.ts";
import { html, NOTHING, type Html } from "../platform/html.ts";
import { modelName } from "./report-figures.ts";
import { charactersOf, latencyMsOf } from "./summarise.ts";

/** Job by job, the texts of all models side by side. */
export function textsSection(jobs: readonly ComparedJob[]): Html {
  return html`<section>
    <h2>The texts</h2>
    ${jobs.map(jobSection)}
  </section>`;
}

/** Job texts and generated ones may be of any script, and hold whatever characters turn text around: each stands alone. */
function jobSection({ agentId, input, texts }: ComparedJob, index: number): Html {
  const { title, details } = describeJob(input);
  const about = details.map(({ label, text }) => html`<span>${label}: <bdi>${text}</bdi></span>`);
  return html`<section class="job">
    <h3 dir="auto">${title}</h3>
    <p class="about"><span>no. ${index + 1}</span><span>${agentId}, ${input.kind}</span>${about}</p>
    <div class="texts">${texts.map(textArticle)}</div>
  </section>`;
}

function textArticle({ model, result, score }: ComparedText): Html {
  const isWritten = result.status === "succeeded";
  const body = isWritten ? result.text : `${result.status}: ${result.reason}`;
  return html`<article class="text${isWritten ? "" : " unwritten"}" id="${result.id}">
    <h4>${modelName(model)}</h4>
    <p class="body" dir="auto">${body}</p>
    <p class="facts">
      ${factsOf(result, score).map(({ text, isWrong = false }) => html`<span${isWrong ? WRONG : NOTHING}>${text}</span> `)}
    </p>
    ${furtherDetails(result)}
  </article>`;
}

const WRONG = html` class="wrong"`;

interface Fact {
  readonly text: string;
  readonly isWrong?: boolean;
}

function factsOf(result: GenerationResult, score: number | null): Fact[] {
  const { costMicroUsd } = result;
  return [
    ...(result.status === "succeeded" ? factsOfText(result) : []),
    { text: costMicroUsd === null ? "cost not known" : `${formatUsd(costMicroUsd)} USD` },
    ...(score === null ? [] : [{ text: `feedback ${Number(score.toFixed(2))}` }]),
  ];
}

function factsOfText(result: SucceededResult): Fact[] {
  const { text, finishReason } = result;
  return [
    { text: `${integer(charactersOf(text))} characters` },
    { text: milliseconds(latencyMsOf(result)) },
    { text: finishReason === "length" ? "cut off (length)" : finishReason, isWrong: finishReason !== "stop" },
  ];
}

/** For who looks closer; the id is what `feedback` and `result` take. */
function furtherDetails(result: GenerationResult): Html {
  const entries = [
    { term: "id", text: result.id },
    ...(result.status === "succeeded" ? detailsOfText(result) : []),
    ...result.attempts.filter(({ outcome }) => outcome !== "succeeded").map(detailOfFailure),
  ];
  return html`<details>
    <summary>More</summary>
    <dl>
      ${entries.map(
        ({ term, text }) =>
          html`<dt>${term}</dt>
            <dd dir="auto">${text}</dd>`,
      )}
    </dl>
  </details>`;
}

interface Detail {
  readonly term: string;
  readonly text: string;
}

function detailsOfText({ usage, model, adjustedParams }: SucceededResult): Detail[] {
  const reasoning = usage.reasoningTokens === 0 ? "" : `, ${integer(usage.reasoningTokens)} of them reasoning`;
  const tokens = `${integer(usage.inputTokens)} in, ${integer(usage.outputTokens)} out${reasoning}`;
  return [
    { term: "tokens", text: usage.estimated ? `about ${tokens}` : tokens },
    { term: "answered by", text: model },
    ...adjustedParams.map(({ parameter, change, why }) => ({ term: parameter, text: `${change}: ${why}` })),
  ];
}

function detailOfFailure({ attempt, outcome, message, durationMs }: AttemptSummary): Detail {
  const why = message === null ? "" : `: ${message}`;
  return { term: `call ${attempt}`, text: `${outcome} after ${milliseconds(durationMs)}${why}` };
}
