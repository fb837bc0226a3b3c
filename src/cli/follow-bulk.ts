import type { OutputFile } from "../bulk/output-file.ts";
import type { JobSource } from "../bulk/read-jobs.ts";
import { runBulk, type BulkProgress } from "../bulk/run-bulk.ts";
import type { Delivery } from "../job/generation-job.ts";
import type { ShutdownSignals } from "../platform/shutdown.ts";
import { progressView } from "./progress.ts";
import type { RunUsage } from "./run-usage.ts";
import type { Workplace } from "./workplace.ts";

export interface FollowedBulk {
  readonly workplace: Workplace;
  readonly output: OutputFile;
  readonly usage: RunUsage;
  readonly rows: number;
  /** The first stops the run, the second aborts calls of its own worker. */
  readonly signals: ShutdownSignals;
  readonly source: JobSource;
  readonly options: {
    readonly worker?: boolean;
    readonly concurrency?: number;
    readonly json?: boolean;
    readonly skipInvalid?: boolean;
    readonly ordered?: boolean;
    readonly inFlight?: number;
    readonly retryFailed?: boolean;
    readonly delivery?: Delivery;
  };
}

/** Runs the bulk with its progress on screen, and a worker beside it if asked for. */
export async function followBulk({
  workplace,
  output,
  usage,
  rows,
  signals,
  source,
  options,
}: FollowedBulk): Promise<{ readonly progress: BulkProgress; readonly isCancelled: boolean }> {
  const { runId } = output.manifest;
  const { worker: withWorker = false, concurrency, json = false, skipInvalid = false } = options;
  await using producer = workplace.producer();
  await using _worker = withWorker
    ? await workplace.worker({
        quiet: "error",
        force: signals.forced,
        ...(concurrency === undefined ? {} : { concurrency }),
      })
    : undefined;
  if (!withWorker) await workplace.hintIfNoWorker();
  await workplace.hintIfPaused();
  const view = progressView(rows, { silent: json });
  let isCancelled = false;
  const { ordered, inFlight, retryFailed, delivery } = options;
  try {
    const progress = await runBulk(
      {
        ...{ ...source, skipInvalid, output, producer, signal: signals.requested },
        ...{ ordered, inFlight, retryFailed, delivery },
        onEvent(event) {
          isCancelled = event === "cancelled";
          view.say(`the run was ${event}${event === "paused" ? `: puppet-engine runs resume ${runId}` : ""}`);
        },
        onProgress: (soFar) => view.update(soFar),
        onResult: (result) => usage.add(result),
        onRefused: (error) => console.error(`error: ${error.message}`),
      },
      rows,
    );
    return { progress, isCancelled };
  } finally {
    view.stop();
  }
}
