import { z } from "zod";
import { toProblems } from "../platform/field-fault.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { zodFaults } from "../platform/zod-faults.ts";
import { jobId } from "./generation-job.ts";

/**
 * What came of a score:
 * - `stored`: it is the job's score now, whatever the job had before.
 * - `unknown`: there is no such job, or its result is no longer kept.
 * - `unfinished`: the job has no result yet.
 * - `no-text`: it ended without a text (failed, cancelled, expired): there is nothing to score.
 */
export type FeedbackReply = "stored" | "unknown" | "unfinished" | "no-text";

/** A job and how good its text was, 0–1. */
export interface ScoredJob {
  readonly id: string;
  readonly score: number;
}

/** Scores are counted in thousandths: sums of integers have no rest, in whatever order they are changed. */
const PARTS = 1000;

export function thousandthsOf(score: number): number {
  return Math.round(score * PARTS);
}

export function scoreOfThousandths(thousandths: number): number {
  return thousandths / PARTS;
}

const RANGE = "a number from 0 (bad) to 1 (good)";

/** Kept to the thousandth. */
function scoreFrom(expected: string): z.ZodType<number> {
  const number = z.number({ error: expected }).min(0, { error: expected }).max(1, { error: expected });
  return number.transform((given) => scoreOfThousandths(thousandthsOf(given)));
}

const score = scoreFrom(RANGE);

/** @throws InvalidInputError */
export function checkScore(given: unknown): number {
  const parsed = score.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = zodFaults(parsed.error, given).map((fault) => ({ ...fault, path: ["score"] }));
  throw new InvalidInputError(toProblems(faults, { source: "feedback", lineOf: () => undefined }));
}

/** What `Number` takes as well is not meant here: nothing, white space, hexadecimal. */
const DECIMAL = /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** As people write it, in a command or a cell. */
function fromText(given: unknown): unknown {
  if (typeof given !== "string") return given;
  const text = given.trim().toLowerCase();
  if (text === "up") return 1;
  if (text === "down") return 0;
  return DECIMAL.test(text) ? Number(text) : given;
}

const scoredJob: z.ZodType<ScoredJob> = z.object({
  id: jobId,
  score: z.preprocess(fromText, scoreFrom(`${RANGE}, up or down`)),
});

/**
 * Checks a score as it is written; other fields than `id` and `score` do not matter.
 * @param place what errors call it, and its physical line if it has one
 * @throws InvalidInputError with every problem
 */
export function parseScoredJob(given: unknown, place: { readonly source: string; readonly line?: number }): ScoredJob {
  const parsed = scoredJob.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    toProblems(zodFaults(parsed.error, given), { source: place.source, lineOf: () => place.line }),
  );
}
