import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { positiveInteger } from "./options.ts";
import { runWorker } from "./run-worker.ts";

export const workerCommand: AddCommand = (program, end) => {
  program
    .command("worker")
    .description("take jobs and generate texts until stopped")
    .option("--concurrency <n>", "jobs in work at once (default: WORKER_CONCURRENCY, or 64)", positiveInteger)
    .option("--fake", "start although keys are missing: for jobs that were enqueued with --fake")
    .addHelpText(
      "after",
      `
Ctrl-C or SIGTERM: takes no more jobs, lets calls in flight finish (30 s at most) and ends with 0.
A second one: aborts them and gives their jobs back.
Any number of workers may run, on any number of machines: they share the work through Redis.`,
    )
    .action(async (options: { concurrency?: number; fake?: boolean }) => {
      const { aborted } = await runWorker(options);
      end(aborted === 0 ? EXIT.ok : EXIT.interrupted);
    });
};
