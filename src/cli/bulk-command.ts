import { Option } from "commander";
import { runId } from "../bulk/run-id.ts";
import type { Delivery } from "../job/generation-job.ts";
import type { AddCommand } from "./command.ts";
import { positiveInteger } from "./options.ts";
import { bulk } from "./run-bulk-file.ts";

export interface BulkCommandOptions {
  readonly out?: string;
  readonly agent?: string;
  readonly force?: boolean;
  readonly resume?: boolean;
  readonly retryFailed?: boolean;
  readonly skipInvalid?: boolean;
  readonly ordered?: boolean;
  readonly inFlight?: number;
  readonly dryRun?: boolean;
  readonly format?: "csv" | "jsonl";
  readonly delivery?: Delivery;
  readonly worker?: boolean;
  readonly concurrency?: number;
  readonly fake?: boolean;
  readonly json?: boolean;
}

export const bulkCommand: AddCommand = (program, end) => {
  program
    .command("bulk <input>")
    .description(
      "run a file of jobs (.csv or .jsonl, also .gz; - for standard input) and write a line of JSON per result",
    )
    .option("--out <file>", "the output, one JSON object a line, in order of completion; required to run anything")
    .option("--agent <id>", "for rows that name no agent")
    .option("--dry-run", "print rows, tokens, cost and the least time, and enqueue nothing")
    .option("--ordered", "write the results in the order of the input")
    .option("--in-flight <n>", "rows under way at once, at most (default: 5000)", positiveInteger)
    .addOption(
      new Option("--delivery <how>", "batch: through the vendors' batch APIs, at half the price, within a day").choices(
        ["live", "batch"],
      ),
    )
    .option("--force", "replace an existing output")
    .option("--resume", "go on with a run that was interrupted")
    .option("--retry-failed", "with --resume: run the rows that have failed once more")
    .option("--skip-invalid", "run the rows that are right, and write the others to <out>.rejects.jsonl")
    .addOption(
      new Option("--format <kind>", "of standard input (default: what it begins with tells)").choices(["csv", "jsonl"]),
    )
    .option("--worker", "run a worker in this process; otherwise running workers do it")
    .option("--concurrency <n>", "with --worker: jobs in work at once", positiveInteger)
    .option("--fake", "replace providers without a key by the fake one")
    .option("--json", "print the summary as JSON, and no progress")
    .addHelpText(
      "after",
      `
A row needs an agent (column or --agent) and the fields of its kind:
  tweet    topic, mood, recent_events … (all optional)
  reply    mention, conversation_history
  quote    quoted, author
  thread   posts, and what a tweet has
  content  prompt, audience, style …   (the agent is optional)
Columns: id and kind are optional, every column that is no field becomes context. Without kind, a row with a mention is
a reply, one with quoted a quote, with posts a thread, with a prompt content, any other a tweet. recent_events and
conversation_history may be JSON lists.
When a row is wrong nothing is enqueued, and all that is wrong is listed; --skip-invalid goes on without such rows.
The run can be looked at, paused, resumed and cancelled from elsewhere: puppet-engine runs.

  $ puppet-engine bulk examples/topics.csv --out tweets.jsonl --worker
  $ puppet-engine bulk examples/topics.csv --dry-run
  $ zcat topics.csv.gz | puppet-engine bulk - --format csv --out tweets.jsonl`,
    )
    .action(async (input: string, options: BulkCommandOptions) => end(await bulk(input, options, runId())));
};
