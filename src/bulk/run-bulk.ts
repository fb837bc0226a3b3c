import type { GenerationResult } from "../job/generation-result.ts";
import type { JobInput } from "../job/generation-job.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import type { Producer } from "../queue/producer.ts";
import { outputLine } from "./output-line.ts";
import type { OutputFile } from "./output-file.ts";
import { readJobs, type JobSource, type ReadJob } from "./read-jobs.ts";

export interface BulkProgress {
  /** Distinct rows in the input. */
  readonly total: number;
  /** Accepted by the queue, finished ones of earlier runs included. */
  enqueued: number;
  /** Finished by an earlier run with the same ids: nothing was done again, and nothing paid. */
  finishedBefore: number;
  succeeded: number;
  failed: number;
  /** Rows whose id belongs to another job. */
  refused: number;
  /** Micro-USD so far; unknown prices are missing from it. */
  costMicroUsd: number;
}

export interface BulkOptions extends JobSource {
  /** Leave out rows that are no jobs; otherwise `checkInput` has made sure that there are none. */
  readonly skipInvalid: boolean;
  readonly output: OutputFile;
  readonly producer: Producer;
  /** Ends the run; what is enqueued stays so. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Readonly<BulkProgress>) => void;
  readonly onResult: (result: GenerationResult) => void;
  readonly onRefused: (error: Error) => void;
}

export interface InputSummary {
  /** Distinct rows that are jobs. */
  readonly rows: number;
  /** Rows whose id and content were there before: they count once. */
  readonly duplicates: number;
  /** Rows that are no jobs; 0 unless they may be skipped. */
  readonly invalid: number;
  /** Who is needed; `undefined` stands for the default agent. */
  readonly agents: ReadonlySet<string | undefined>;
}

/** Thrown when rows of the input are no jobs; nothing was enqueued. */
export class InvalidRowsError extends InvalidInputError {
  override readonly name = "InvalidRowsError";
}

export type InvalidRow = ReadJob & { readonly is: "invalid" };

/** So many faults are kept; a file of another kind would otherwise report millions. */
export const MAX_PROBLEMS = 1000;

/**
 * Reads the whole input once before anything is enqueued.
 * @param onInvalid given: rows that are no jobs are told and left out; otherwise they are an error
 * @throws InvalidRowsError with the problems of all rows
 * @throws InvalidInputError when the file is no use at all, or has no rows
 */
export async function checkInput(source: JobSource, onInvalid?: (row: InvalidRow) => void): Promise<InputSummary> {
  const problems: Problem[] = [];
  const agents = new Set<string | undefined>();
  const counts = { job: 0, duplicate: 0, invalid: 0 };
  for await (const read of readJobs(source)) {
    counts[read.is]++;
    if (read.is === "job") agents.add(read.job.agent);
    if (read.is === "invalid") {
      onInvalid?.(read);
      if (problems.length < MAX_PROBLEMS) problems.push(...read.problems);
    }
  }
  if (problems.length > 0 && (onInvalid === undefined || counts.job === 0)) throw new InvalidRowsError(problems);
  if (counts.job === 0) {
    throw new InvalidInputError([{ source: source.input, path: "", got: "0 rows", expected: "at least one row" }]);
  }
  return { rows: counts.job, duplicates: counts.duplicate, invalid: counts.invalid, agents };
}

/**
 * Enqueues every row and writes a line for each result as it comes. Rows without an id get one from the run and their
 * line, so that a resumed run finds its own jobs again.
 * @returns the final progress; fewer results than rows when `signal` ended it
 */
export async function runBulk(options: BulkOptions, total: number): Promise<BulkProgress> {
  const progress: BulkProgress = {
    total,
    enqueued: 0,
    finishedBefore: 0,
    succeeded: 0,
    failed: 0,
    refused: 0,
    costMicroUsd: 0,
  };
  const allDone = Promise.withResolvers<void>();
  let open = 1;
  const finishOne = (): void => {
    if (--open === 0) allDone.resolve();
  };
  const follow = (id: string): void => {
    open++;
    followJob(id, options, progress).then(finishOne, allDone.reject);
  };
  const feeding = options.producer.enqueueMany(jobsOf(options, progress), {
    onOutcome: (_index, outcome) => {
      if (outcome.accepted) follow(outcome.job.id);
      else options.onRefused(outcome.error);
      progress[outcome.accepted ? "enqueued" : "refused"]++;
      if (outcome.accepted && outcome.job.status === "already-finished") progress.finishedBefore++;
      options.onProgress(progress);
    },
  });
  feeding.then(finishOne, allDone.reject);
  await allDone.promise;
  return progress;
}

async function* jobsOf(options: BulkOptions, progress: BulkProgress): AsyncGenerator<JobInput> {
  const { manifest, written } = options.output;
  for await (const read of readJobs(options)) {
    if (options.signal.aborted) return;
    if (read.is === "invalid" && !options.skipInvalid) throw new InvalidRowsError(read.problems);
    if (read.is !== "job") continue;
    const { job, row } = read;
    const id = job.id === undefined ? `${manifest.runId}-${row.line}` : String(job.id);
    const status = written.get(id);
    if (status === undefined) yield { ...job, id, urgency: job.urgency ?? "bulk" };
    else progress[status === "succeeded" ? "succeeded" : "failed"]++;
  }
}

async function followJob(
  id: string,
  { producer, signal, output, onProgress, onResult }: BulkOptions,
  progress: BulkProgress,
): Promise<void> {
  const result = await producer.result(id, { waitMs: Infinity, signal });
  if (result === null) return;
  await output.write(outputLine(result));
  if (result.status === "succeeded") progress.succeeded++;
  else progress.failed++;
  progress.costMicroUsd += result.costMicroUsd ?? 0;
  onResult(result);
  onProgress(progress);
}
