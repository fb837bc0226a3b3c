import { parseScoredJob, type ScoredJob } from "../job/feedback.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import { SCORE_COLUMNS } from "./columns.ts";
import { readRows } from "./read-rows.ts";
import type { Row } from "./row.ts";
import { InvalidRowsError, MAX_PROBLEMS } from "./check-input.ts";

/** What a row of the file turned out to be. */
export type ReadScore =
  | { readonly is: "score"; readonly line: number; readonly scored: ScoredJob }
  | { readonly is: "invalid"; readonly line: number; readonly problems: readonly Problem[] };

/**
 * Reads a file of scores row by row.
 * @throws InvalidInputError when the file as a whole is no use
 */
export async function* readScores(path: string): AsyncGenerator<ReadScore> {
  for await (const row of readRows(path, SCORE_COLUMNS)) yield scoreOf(row, path);
}

function scoreOf(row: Row, source: string): ReadScore {
  const { line } = row;
  if (row.problem !== undefined) return { is: "invalid", line, problems: [row.problem] };
  try {
    return { is: "score", line, scored: parseScoredJob(row.fields, { source, line }) };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { is: "invalid", line, problems: error.problems };
  }
}

/** For a command line, where the two stand alone. @throws InvalidInputError */
export function scoreOfWords(id: string, score: string): ScoredJob {
  return parseScoredJob({ id, score }, { source: "feedback" });
}

/** Rows that are no scores, where they may be skipped. */
export interface InvalidScores {
  readonly rows: number;
  /** What is wrong with them, or with the first of very many. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the whole file once before anything is stored: of scores from 0 to 100, say, some would be right by chance.
 * @throws InvalidRowsError with the problems of all rows
 * @throws InvalidInputError when the file is no use at all, or has no rows
 */
export async function checkScores(path: string, options: { readonly skipInvalid: boolean }): Promise<InvalidScores> {
  const problems: Problem[] = [];
  const counts = { score: 0, invalid: 0 };
  for await (const read of readScores(path)) {
    counts[read.is]++;
    if (read.is === "invalid" && problems.length < MAX_PROBLEMS) problems.push(...read.problems);
  }
  if (problems.length > 0 && (!options.skipInvalid || counts.score === 0)) throw new InvalidRowsError(problems);
  if (counts.score === 0)
    throw new InvalidInputError([{ source: path, path: "", got: "0 rows", expected: "at least one row" }]);
  return { rows: counts.invalid, problems };
}
