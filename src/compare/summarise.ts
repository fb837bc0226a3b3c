import type { GenerationResult, SucceededResult, UnsuccessfulResult } from "../job/generation-result.ts";
import type { AttemptOutcome } from "../job/usage-record.ts";
import { nearestRank } from "./nearest-rank.ts";

export interface ComparedText {
  /** `openai/gpt-6-luna` */
  readonly model: string;
  readonly result: GenerationResult;
  /** Feedback, from 0 (bad) to 1 (good); `null`: none was given. */
  readonly score: number | null;
}

/** One model's row. */
export interface ModelSummary {
  readonly model: string;
  readonly asked: number;
  readonly written: number;
  /** Of the calls that brought a text, in order of size, ms. */
  readonly latenciesMs: readonly number[];
  /** `null`: no text was written. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Per text, of the calls that brought one; `null`: none was written. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Texts whose vendor did not say how many tokens they were. */
  readonly estimated: number;
  /** All calls, failed ones included; those without a known price are missing from it. */
  readonly costMicroUsd: number;
  /** Jobs whose cost is not known, or not all of it. */
  readonly unpriced: number;
  /** The part of the cost that the vendor may or may not have billed. */
  readonly possiblyBilledMicroUsd: number;
  /** What 1,000 texts would cost at this rate; `null`: not known, or no text was written. */
  readonly costPerThousandMicroUsd: number | null;
  /** Of a text; `null`: none was written. */
  readonly characters: number | null;
  /** Texts that ended at `max_tokens`. */
  readonly cutOff: number;
  readonly feedback: { readonly count: number; readonly mean: number } | null;
  readonly failures: readonly Failure[];
}

/** Texts that are missing for the same cause. */
export interface Failure {
  readonly status: UnsuccessfulResult["status"];
  /** Of the last call; `null`: none was made. */
  readonly outcome: AttemptOutcome | null;
  /** Of the first such text: request ids, times and the like tell others apart from it. */
  readonly reason: string;
  /** False: others have other reasons. */
  readonly isWhole: boolean;
  readonly count: number;
}

const TEXTS_OF_RATE = 1000;

export function summarise(model: string, texts: readonly ComparedText[]): ModelSummary {
  const written = texts.map(({ result }) => result).filter((result) => result.status === "succeeded");
  const latenciesMs = written.map(latencyMsOf).sort((a, b) => a - b);
  const cost = costOf(texts);
  const isRateKnown = cost.unpriced === 0 && written.length > 0;
  return {
    model,
    asked: texts.length,
    written: written.length,
    latenciesMs,
    p50Ms: latenciesMs.length === 0 ? null : nearestRank(latenciesMs, 0.5),
    p95Ms: latenciesMs.length === 0 ? null : nearestRank(latenciesMs, 0.95),
    inputTokens: mean(written.map(({ usage }) => usage.inputTokens)),
    outputTokens: mean(written.map(({ usage }) => usage.outputTokens)),
    estimated: written.filter(({ usage }) => usage.estimated).length,
    ...cost,
    costPerThousandMicroUsd: isRateKnown ? exact((cost.costMicroUsd / written.length) * TEXTS_OF_RATE) : null,
    characters: mean(written.map(({ text }) => charactersOf(text))),
    cutOff: written.filter(({ finishReason }) => finishReason === "length").length,
    feedback: feedbackOf(texts),
    failures: failuresOf(texts),
  };
}

/** Of the call that brought the text: waiting in the queue, and calls that failed before, say nothing about the model. */
export function latencyMsOf({ attempts }: SucceededResult): number {
  return attempts.findLast(({ outcome }) => outcome === "succeeded")?.durationMs ?? 0;
}

/** Code points, as limits of posts are counted. */
export function charactersOf(text: string): number {
  return Array.from(text).length;
}

function costOf(
  texts: readonly ComparedText[],
): Pick<ModelSummary, "costMicroUsd" | "unpriced" | "possiblyBilledMicroUsd"> {
  const attempts = texts.flatMap(({ result }) => result.attempts);
  return {
    costMicroUsd: exact(sum(attempts.map(({ costMicroUsd }) => costMicroUsd ?? 0))),
    unpriced: texts.filter(({ result }) => result.costMicroUsd === null).length,
    possiblyBilledMicroUsd: exact(
      sum(attempts.map(({ possiblyBilled, costMicroUsd }) => (possiblyBilled ? (costMicroUsd ?? 0) : 0))),
    ),
  };
}

function feedbackOf(texts: readonly ComparedText[]): ModelSummary["feedback"] {
  const scores = texts.map(({ score }) => score).filter((score) => score !== null);
  const average = mean(scores);
  return average === null ? null : { count: scores.length, mean: average };
}

/** The most frequent first. */
function failuresOf(texts: readonly ComparedText[]): Failure[] {
  const results = texts.map(({ result }) => result).filter((result) => result.status !== "succeeded");
  return [...Map.groupBy(results, causeOf).values()]
    .flatMap(([first, ...others]) => (first === undefined ? [] : [failureOf(first, others)]))
    .sort((a, b) => b.count - a.count);
}

/** Messages of one cause differ in request ids and numbers, which a list must not: what it goes by is the HTTP status. */
function causeOf({ status, attempts }: UnsuccessfulResult): string {
  const { outcome = "", message = null } = attempts.at(-1) ?? {};
  const [, httpStatus = ""] = /^HTTP (\d+)/.exec(message ?? "") ?? [];
  return [status, outcome, httpStatus].join(" ");
}

function failureOf({ status, reason, attempts }: UnsuccessfulResult, others: readonly UnsuccessfulResult[]): Failure {
  const isWhole = others.every((other) => other.reason === reason);
  return { status, outcome: attempts.at(-1)?.outcome ?? null, reason, isWhole, count: others.length + 1 };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** To 1e-12 USD: sums of binary fractions have a rest that no price has. */
function exact(microUsd: number): number {
  return Math.round(microUsd * 1e6) / 1e6;
}
