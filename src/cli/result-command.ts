import { listenForShutdown } from "../platform/shutdown.ts";
import { awaitResult } from "./await-result.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { AddCommand } from "./command.ts";
import { printResult } from "./print-result.ts";
import { openWorkplace } from "./workplace.ts";

interface ResultOptions {
  readonly wait?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export const resultCommand: AddCommand = (program, end) => {
  program
    .command("result <id>")
    .description("print the text of a job, or why there is none")
    .option("--wait", "wait until it is finished")
    .option("--follow", "print the text while it is written (implies --wait)")
    .option("--json", "print the whole result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ puppet-engine result rain-1 --wait\n\nExit code 4: the job failed, or has no result yet.",
    )
    .action(async (id: string, options: ResultOptions) => end(await showResult(id, options)));
};

async function showResult(id: string, options: ResultOptions): Promise<ExitCode> {
  const { follow = false, json = false } = options;
  const wait = options.wait === true || follow;
  using signals = listenForShutdown();
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  if (wait) {
    await workplace.hintIfUnknown(id);
    if (follow) await workplace.hintIfNotStreamed(id);
    await workplace.hintIfNoWorker();
    await workplace.hintIfPaused();
  }
  const result = wait
    ? await awaitResult(producer, id, { follow, json, signal: signals.requested })
    : await producer.result(id);
  if (result === null) {
    console.error(wait ? "interrupted" : `no result for ${id}: it is unknown, or not finished (--wait waits for it)`);
    return wait ? EXIT.interrupted : EXIT.jobsFailed;
  }
  if (!wait) printResult(result, json);
  return result.status === "succeeded" ? EXIT.ok : EXIT.jobsFailed;
}
