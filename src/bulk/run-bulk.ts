import { setMaxListeners } from "node:events";
import type { GenerationResult } from "../job/generation-result.ts";
import type { JobInput } from "../job/generation-job.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import type { Producer } from "../queue/producer.ts";
import { outputLine } from "./output-line.ts";
import type { OutputFile } from "./output-file.ts";
import { readRows } from "./read-rows.ts";
import { rowToJob, type RowDefaults } from "./row-to-job.ts";

export interface BulkProgress {
  /** Distinct rows in the input. */
  readonly total: number;
  enqueued: number;
  succeeded: number;
  failed: number;
  /** Rows whose id belongs to another job. */
  refused: number;
  /** Micro-USD so far; unknown prices are missing from it. */
  costMicroUsd: number;
}

export interface BulkOptions {
  readonly input: string;
  /** For rows that name no agent. */
  readonly agent: string | null;
  readonly knownAgents: ReadonlySet<string>;
  readonly output: OutputFile;
  readonly producer: Producer;
  /** Ends the run; what is enqueued stays so. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Readonly<BulkProgress>) => void;
  readonly onResult: (result: GenerationResult) => void;
  readonly onRefused: (error: Error) => void;
}

export interface InputSummary {
  /** Distinct rows. */
  readonly rows: number;
  /** Rows whose id and content were there before: they count once. */
  readonly duplicates: number;
}

/** Thrown when rows of the input are no jobs; nothing was enqueued. */
export class InvalidRowsError extends InvalidInputError {
  override readonly name = "InvalidRowsError";
}

/** So many faults are kept; a file of another kind would otherwise report millions. */
const MAX_PROBLEMS = 1000;

/**
 * Reads the whole input once before anything is enqueued.
 * @throws InvalidRowsError with the problems of all rows
 * @throws InvalidInputError when the file is no use at all, or has no rows
 */
export async function checkInput(options: Pick<BulkOptions, "input" | "agent" | "knownAgents">): Promise<InputSummary> {
  const problems: Problem[] = [];
  const seen = new Map<string, { line: number; content: string }>();
  let rows = 0;
  let duplicates = 0;
  for await (const row of readRows(options.input)) {
    try {
      const job = rowToJob(row, defaultsOf(options));
      checkAgent(job, row.line, options);
      if (isDuplicate(job, row.line, { seen, source: options.input })) duplicates++;
      else rows++;
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      if (problems.length < MAX_PROBLEMS) problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new InvalidRowsError(problems);
  if (rows === 0)
    throw new InvalidInputError([{ source: options.input, path: "", got: "0 rows", expected: "at least one row" }]);
  return { rows, duplicates };
}

function defaultsOf({ input, agent }: Pick<BulkOptions, "input" | "agent">): RowDefaults {
  return { source: input, ...(agent === null ? {} : { agent }) };
}

function checkAgent(
  job: JobInput,
  line: number,
  { input, knownAgents }: Pick<BulkOptions, "input" | "knownAgents">,
): void {
  if (job.agent === undefined || knownAgents.has(job.agent)) return;
  const expected = `one of ${[...knownAgents].join(", ")}`;
  throw new InvalidInputError([{ source: input, line, path: "agent", got: JSON.stringify(job.agent), expected }]);
}

interface SeenRows {
  readonly seen: Map<string, { readonly line: number; readonly content: string }>;
  readonly source: string;
}

/** The same row twice counts once; another row under the same id is an error that names both lines. */
function isDuplicate(job: JobInput, line: number, { seen, source }: SeenRows): boolean {
  if (job.id === undefined) return false;
  const id = String(job.id);
  const content = JSON.stringify(job);
  const earlier = seen.get(id);
  if (earlier === undefined) {
    seen.set(id, { line, content });
    return false;
  }
  if (earlier.content === content) return true;
  throw new InvalidInputError([
    {
      source,
      line,
      path: "id",
      got: `${JSON.stringify(id)}, which line ${earlier.line} has with other content`,
      expected: "an id of its own",
    },
  ]);
}

/**
 * Enqueues every row and writes a line for each result as it comes. Rows without an id get one from the run and their
 * line, so that a resumed run finds its own jobs again.
 * @returns the final progress; fewer results than rows when `signal` ended it
 */
export async function runBulk(options: BulkOptions, total: number): Promise<BulkProgress> {
  const progress: BulkProgress = { total, enqueued: 0, succeeded: 0, failed: 0, refused: 0, costMicroUsd: 0 };
  // One listener per awaited job.
  setMaxListeners(0, options.signal);
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
      options.onProgress(progress);
    },
  });
  feeding.then(finishOne, allDone.reject);
  await allDone.promise;
  return progress;
}

async function* jobsOf(options: BulkOptions, progress: BulkProgress): AsyncGenerator<JobInput> {
  const { manifest, written } = options.output;
  const sent = new Set<string>();
  for await (const row of readRows(options.input)) {
    if (options.signal.aborted) return;
    const job = rowToJob(row, defaultsOf(options));
    const id = job.id === undefined ? `${manifest.runId}-${row.line}` : String(job.id);
    if (sent.has(id)) continue;
    if (job.id !== undefined) sent.add(id);
    const status = written.get(id);
    if (status !== undefined) {
      progress[status === "succeeded" ? "succeeded" : "failed"]++;
      continue;
    }
    yield { ...job, id, urgency: job.urgency ?? "bulk" };
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
