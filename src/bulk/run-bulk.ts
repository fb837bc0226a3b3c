import { withSettings, type Delivery, type JobInput } from "../job/generation-job.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { BatchOutcome, Producer } from "../queue/producer.ts";
import { InvalidRowsError } from "./check-input.ts";
import { createFeedWindow, type FeedWindow } from "./feed-window.ts";
import { createLineOrder } from "./line-order.ts";
import { outputLine, type OutputLine } from "./output-line.ts";
import type { OutputFile } from "./output-file.ts";
import { readJobs, type JobSource } from "./read-jobs.ts";
import { watchRun, type RunEvent } from "./watch-run.ts";

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
  /** Rows under way at once, at most; default 5,000. */
  readonly inFlight?: number | undefined;
  /** Lines in the order of the input; default: of completion. */
  readonly ordered?: boolean | undefined;
  /** Rows that have failed in an earlier run of the same ids run again. */
  readonly retryFailed?: boolean | undefined;
  readonly delivery?: Delivery | undefined;
  /** Ends the run; what is enqueued stays so. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Readonly<BulkProgress>) => void;
  readonly onResult: (result: GenerationResult) => void;
  readonly onRefused: (error: Error) => void;
  /** Somebody has paused, resumed or cancelled it. */
  readonly onEvent?: (event: RunEvent) => void;
}

const DEFAULT_IN_FLIGHT = 5000;
const BATCH = 1000;
/** Of a run so many results stay in Redis besides; those before are in the output, and go. */
const KEPT_RESULTS = 100_000;
const FORGOTTEN_AT_ONCE = 1000;

interface Feeding {
  readonly options: BulkOptions;
  readonly window: FeedWindow;
  readonly progress: BulkProgress;
  readonly put: (index: number, line: OutputLine | null) => Promise<void>;
  /** Ids of rows whose lines are written, oldest first. */
  readonly collected: string[];
  /** Of the last row that was fed. */
  lastLine: number;
  fedRows: number;
}

/**
 * Enqueues every row and writes a line for each result. Only so many rows are under way at once. Rows without an id get one
 * from the run and their line, so that a resumed run finds its own jobs again; rows whose lines are in the output are left
 * out.
 * @returns the final progress; fewer results than rows when `signal` ended it, or somebody has cancelled the run
 */
export async function runBulk(options: BulkOptions, total: number): Promise<BulkProgress> {
  const { inFlight = DEFAULT_IN_FLIGHT, ordered = false, output, producer, signal } = options;
  const window = createFeedWindow(inFlight);
  const order = createLineOrder(async (line) => await output.write(line));
  const feeding: Feeding = {
    options,
    window,
    progress: {
      ...{ total, enqueued: 0, finishedBefore: 0, refused: 0, costMicroUsd: 0 },
      ...{ succeeded: output.written.succeeded, failed: output.written.size - output.written.succeeded },
    },
    put: ordered ? order.put : async (_, line) => (line === null ? undefined : await output.write(line)),
    ...{ collected: [], lastLine: 0, fedRows: output.written.size },
  };
  const onAbort = (): void => window.close();
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  const { runId: id, input, agent } = output.manifest;
  await producer.runs.begin({ id, input, agent, output: output.path, total });
  using _watch = watchRun(producer.runs, id, { window, cursor: () => cursorOf(feeding), onEvent: options.onEvent });
  try {
    await feedAndCollect(feeding, Math.max(1, Math.min(BATCH, Math.floor(inFlight / 4))));
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  await producer.runs.beat(id, cursorOf(feeding));
  await producer.runs.leave(id);
  const { progress } = feeding;
  if (progress.succeeded + progress.failed + progress.refused >= total) await producer.runs.setState(id, "done");
  return progress;
}

/** Every row up to here has its line. */
function cursorOf({ window, lastLine, fedRows, progress }: Feeding): { line: number; rows: number } {
  const first = window.firstLine();
  const line = first === null ? lastLine : first - 1;
  return { line, rows: Math.max(0, fedRows - window.open - progress.refused) };
}

async function feedAndCollect(feeding: Feeding, batchSize: number): Promise<void> {
  const { options, progress, window } = feeding;
  const allDone = Promise.withResolvers<void>();
  let open = 1;
  const finishOne = (): void => {
    if (--open === 0) allDone.resolve();
  };
  const follow = (index: number, id: string | null): void => {
    open++;
    collect(feeding, index, id).then(finishOne, allDone.reject);
  };
  const onOutcome = (index: number, outcome: BatchOutcome): void => {
    if (!outcome.accepted) options.onRefused(outcome.error);
    follow(index, outcome.accepted ? outcome.job.id : null);
    if (!outcome.accepted && outcome.id !== null) window.leave(outcome.id);
    progress[outcome.accepted ? "enqueued" : "refused"]++;
    if (outcome.accepted && outcome.job.status === "already-finished") progress.finishedBefore++;
    options.onProgress(progress);
  };
  const { runId: run } = options.output.manifest;
  const { retryFailed = false } = options;
  const feed = options.producer.enqueueMany(jobsOf(feeding), { batchSize, onOutcome, run, retryFailed });
  feed.then(finishOne, allDone.reject);
  await allDone.promise;
}

async function* jobsOf(feeding: Feeding): AsyncGenerator<JobInput> {
  const { options, window } = feeding;
  const { manifest, written } = options.output;
  const cursor = await options.producer.runs.cursor(manifest.runId);
  // What the output does not have was lost with its machine, whatever Redis remembers.
  const afterLine = written.size > 0 && written.size >= cursor.rows ? cursor.line : 0;
  for await (const read of readJobs(options, afterLine)) {
    if (read.is === "invalid" && !options.skipInvalid) throw new InvalidRowsError(read.problems);
    if (read.is !== "job") continue;
    const { job, row } = read;
    const id = job.id ?? `${manifest.runId}-${row.line}`;
    const isWritten = written.has(id);
    if (!isWritten) {
      if (!(await window.next())) return;
      window.enter(id, row.line);
      feeding.fedRows++;
    }
    // Not before it is under way: the cursor must not pass it.
    feeding.lastLine = row.line;
    const { urgency = "bulk", delivery = options.delivery } = job;
    if (!isWritten) yield withSettings(job, { id, urgency, delivery });
  }
}

/** @param id `null`: the row was refused */
async function collect(feeding: Feeding, index: number, id: string | null): Promise<void> {
  const { options, progress, window, put } = feeding;
  const result = id === null ? null : await options.producer.result(id, { waitMs: Infinity, signal: options.signal });
  if (id !== null && result === null) return;
  await put(index, result === null ? null : outputLine(result));
  if (id === null || result === null) return;
  // The whole run may be cancelled: nothing more is fed before its state is known.
  if (result.status === "cancelled") window.setPaused(true);
  window.leave(id);
  progress[result.status === "succeeded" ? "succeeded" : "failed"]++;
  progress.costMicroUsd += result.costMicroUsd ?? 0;
  options.onResult(result);
  options.onProgress(progress);
  await forgetOldest(feeding, id);
}

async function forgetOldest({ collected, options }: Feeding, id: string): Promise<void> {
  collected.push(id);
  if (collected.length < KEPT_RESULTS + FORGOTTEN_AT_ONCE) return;
  const oldest = collected.splice(0, FORGOTTEN_AT_ONCE);
  await options.output.sync();
  await options.producer.runs.forget(oldest);
}
