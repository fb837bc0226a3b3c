import { listenForShutdown } from "../platform/shutdown.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { AddCommand } from "./command.ts";
import { printResult } from "./print-result.ts";
import { openWorkplace } from "./workplace.ts";

interface ResultOptions {
  readonly wait?: boolean;
  readonly json?: boolean;
}

export const resultCommand: AddCommand = (program, end) => {
  program
    .command("result <id>")
    .description("print the text of a job, or why there is none")
    .option("--wait", "wait until it is finished")
    .option("--json", "print the whole result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ puppet-engine result rain-1 --wait\n\nExit code 4: the job failed, or has no result yet.",
    )
    .action(async (id: string, options: ResultOptions) => end(await showResult(id, options)));
};

async function showResult(id: string, { wait = false, json = false }: ResultOptions): Promise<ExitCode> {
  using signals = listenForShutdown();
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  if (wait) {
    await workplace.hintIfNoWorker();
    await workplace.hintIfPaused();
  }
  const result = await producer.result(id, wait ? { waitMs: Infinity, signal: signals.requested } : {});
  if (result === null) {
    console.error(wait ? "interrupted" : `no result for ${id}: it is unknown, or not finished (--wait waits for it)`);
    return wait ? EXIT.interrupted : EXIT.jobsFailed;
  }
  printResult(result, json);
  return result.status === "succeeded" ? EXIT.ok : EXIT.jobsFailed;
}
