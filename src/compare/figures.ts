import { formatUsd, integer, milliseconds, plural } from "../platform/numbers.ts";
import type { ModelSummary } from "./summarise.ts";

/** A model's row in words. `–`: there is nothing to tell; `?`: it is not known. */
export interface Figures {
  readonly model: string;
  /** `5/6` */
  readonly written: string;
  readonly p50: string;
  readonly p95: string;
  readonly tokensIn: string;
  readonly tokensOut: string;
  /** USD */
  readonly cost: string;
  readonly costPerThousand: string;
  readonly characters: string;
  /** `0.82 (41)`; empty: no feedback was given. */
  readonly feedback: string;
}

const NONE = "–";

export function figuresOf(summary: ModelSummary): Figures {
  const { model, asked, written, p50Ms, p95Ms, inputTokens, outputTokens, characters, feedback } = summary;
  return {
    model,
    written: `${integer(written)}/${integer(asked)}`,
    p50: p50Ms === null ? NONE : milliseconds(p50Ms),
    p95: p95Ms === null ? NONE : milliseconds(p95Ms),
    tokensIn: rounded(inputTokens),
    tokensOut: rounded(outputTokens),
    cost: costText(summary),
    costPerThousand: rateText(summary),
    characters: rounded(characters),
    feedback: feedback === null ? "" : `${feedback.mean.toFixed(2)} (${integer(feedback.count)})`,
  };
}

function rounded(value: number | null): string {
  return value === null ? NONE : integer(Math.round(value));
}

function costText({ costMicroUsd, unpriced }: ModelSummary): string {
  if (unpriced === 0) return formatUsd(costMicroUsd);
  return costMicroUsd === 0 ? "?" : `${formatUsd(costMicroUsd)} + ?`;
}

function rateText({ costPerThousandMicroUsd, written }: ModelSummary): string {
  if (costPerThousandMicroUsd !== null) return formatUsd(costPerThousandMicroUsd);
  return written === 0 ? NONE : "?";
}

/** A line about texts that are missing. */
export interface FailureLine {
  /** `openai/gpt-6-luna, 3 times` */
  readonly title: string;
  readonly reason: string;
}

const MOST_FAILURE_LINES = 10;

/** The most frequent failures of all models, and how many more kinds there are. */
export function failureLines(models: readonly ModelSummary[]): { lines: readonly FailureLine[]; more: number } {
  const all = models
    .flatMap(({ model, failures }) => failures.map((failure) => ({ model, ...failure })))
    .sort((a, b) => b.count - a.count);
  const lines = all.slice(0, MOST_FAILURE_LINES).map(({ model, count, isWhole, reason }) => {
    const times = count === 1 ? "once" : `${integer(count)} times`;
    return { title: `${model}, ${times}${isWhole ? "" : ", for example"}`, reason };
  });
  return { lines, more: all.length - lines.length };
}

/** Below it the nearest rank of 95 % is the last. */
const SAMPLES_FOR_P95 = 20;

/** What one has to know to read the figures right, a sentence each. */
export function remarks(models: readonly ModelSummary[]): string[] {
  const total = (value: (model: ModelSummary) => number): number =>
    models.reduce((sum, model) => sum + value(model), 0);
  const fewest = Math.min(...models.map(({ written }) => written).filter((written) => written > 0));
  const unpriced = total((model) => model.unpriced);
  const uncertain = total((model) => model.possiblyBilledMicroUsd);
  const estimated = total((model) => model.estimated);
  const cutOff = total((model) => model.cutOff);
  return [
    ...(fewest < SAMPLES_FOR_P95 ? ["With fewer than 20 texts of a model, its p95 is its slowest call."] : []),
    ...(unpriced > 0
      ? [
          `The cost of ${plural(unpriced, "job")} is not known and left out: add the price under "prices" in the configuration.`,
        ]
      : []),
    ...(uncertain > 0 ? [`Up to ${formatUsd(uncertain)} USD may not have been billed: calls broke off.`] : []),
    ...(estimated > 0
      ? [`The tokens of ${plural(estimated, "text")} are estimates: the vendor did not tell them.`]
      : []),
    ...(cutOff > 0 ? [`${plural(cutOff, "text")} ended at max_tokens.`] : []),
  ];
}
