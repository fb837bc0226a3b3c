import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { positiveInteger } from "./options.ts";
import { runWorker } from "./run-worker.ts";

export const startCommand: AddCommand = (program, end) => {
  program
    .command("start")
    .description("a worker and the monitor in one process, with a Redis of its own if there is no REDIS_URL")
    .option("--concurrency <n>", "jobs in work at once (default: WORKER_CONCURRENCY, or 64)", positiveInteger)
    .option("--fake", "start although keys are missing: for jobs that were enqueued with --fake")
    .option("--read-only", "let the monitor change nothing: no buttons, no enqueuing")
    .action(async (options: { concurrency?: number; fake?: boolean; readOnly?: boolean }) => {
      const stopped = await runWorker({ ...options, monitor: { readOnly: options.readOnly === true } });
      end(stopped.aborted === 0 ? EXIT.ok : EXIT.interrupted);
    });
};
