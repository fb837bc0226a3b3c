import { InvalidInputError, type Problem } from "../platform/problem.ts";
import { readJobs, type JobSource, type ReadJob } from "./read-jobs.ts";

export interface InputSummary {
  /** Distinct rows that are jobs. */
  readonly rows: number;
  /** Rows whose id and content were there before: they count once. */
  readonly duplicates: number;
  /** Rows that are no jobs; 0 unless they may be skipped. */
  readonly invalid: number;
  /** Lines of rows that have the id of an earlier one; for `JobSource.repeats`. */
  readonly repeats: ReadonlySet<number>;
  /** Who is needed; `undefined` stands for the default agent. */
  readonly agents: ReadonlySet<string | undefined>;
}

/** Thrown when rows of the input are no jobs; nothing was enqueued. */
export class InvalidRowsError extends InvalidInputError {
  override readonly name = "InvalidRowsError";
}

export type InvalidRow = ReadJob & { readonly is: "invalid" };
export type JobRow = ReadJob & { readonly is: "job" };

/** So many faults are kept; a file of another kind would otherwise report millions. */
export const MAX_PROBLEMS = 1000;

export interface InputListener {
  /** Given: rows that are no jobs are told and left out; otherwise they are an error. */
  readonly onInvalid?: ((row: InvalidRow) => void) | undefined;
  readonly onJob?: ((row: JobRow) => void) | undefined;
}

/**
 * Reads the whole input once before anything is enqueued.
 * @throws InvalidRowsError with the problems of all rows
 * @throws InvalidInputError when the file is no use at all, or has no rows
 */
export async function checkInput(source: JobSource, { onInvalid, onJob }: InputListener = {}): Promise<InputSummary> {
  const problems: Problem[] = [];
  const agents = new Set<string | undefined>();
  const repeats = new Set<number>();
  const counts = { job: 0, duplicate: 0, invalid: 0 };
  for await (const read of readJobs(source)) {
    counts[read.is]++;
    if (read.is === "duplicate" || (read.is === "invalid" && read.isRepeat)) repeats.add(read.row.line);
    if (read.is === "job") {
      agents.add(read.job.agent);
      onJob?.(read);
    }
    if (read.is === "invalid") {
      onInvalid?.(read);
      if (problems.length < MAX_PROBLEMS) problems.push(...read.problems);
    }
  }
  if (problems.length > 0 && (onInvalid === undefined || counts.job === 0)) throw new InvalidRowsError(problems);
  if (counts.job === 0) {
    throw new InvalidInputError([{ source: source.input, path: "", got: "0 rows", expected: "at least one row" }]);
  }
  return { rows: counts.job, duplicates: counts.duplicate, invalid: counts.invalid, repeats, agents };
}
