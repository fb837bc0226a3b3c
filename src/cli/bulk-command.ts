import { randomBytes } from "node:crypto";
import { openOutput, type OutputFile } from "../bulk/output-file.ts";
import { rejectsFile } from "../bulk/rejects-file.ts";
import { checkInput, type BulkProgress, type InputSummary } from "../bulk/run-bulk.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { positiveInteger } from "./options.ts";
import type { AddCommand } from "./command.ts";
import { followBulk } from "./follow-bulk.ts";
import { progressLine } from "./progress.ts";
import { RunUsage } from "./run-usage.ts";
import { shellWord } from "./shell-word.ts";
import { usageTable } from "./tables.ts";
import { openWorkplace } from "./workplace.ts";

interface BulkCommandOptions {
  readonly out: string;
  readonly agent?: string;
  readonly force?: boolean;
  readonly resume?: boolean;
  readonly skipInvalid?: boolean;
  readonly worker?: boolean;
  readonly concurrency?: number;
  readonly fake?: boolean;
  readonly json?: boolean;
}

export const bulkCommand: AddCommand = (program, end) => {
  program
    .command("bulk <input>")
    .description("run a file of jobs (.csv or .jsonl) and write a line of JSON per result")
    .requiredOption("--out <file>", "the output, one JSON object a line, in order of completion")
    .option("--agent <id>", "for rows that name no agent")
    .option("--force", "replace an existing output")
    .option("--resume", "go on with a run that was interrupted")
    .option("--skip-invalid", "run the rows that are right, and write the others to <out>.rejects.jsonl")
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
  content  prompt, audience, style …   (the agent is optional)
Columns: id and kind are optional, every column that is no field becomes context. Without kind, a row with a mention is
a reply, one with a prompt is content, any other a tweet. recent_events and conversation_history may be JSON lists.
When a row is wrong nothing is enqueued, and all that is wrong is listed; --skip-invalid goes on without such rows.

  $ puppet-engine bulk examples/topics.csv --out tweets.jsonl --worker`,
    )
    .action(async (input: string, options: BulkCommandOptions) => end(await bulk(input, options)));
};

async function bulk(input: string, options: BulkCommandOptions): Promise<ExitCode> {
  const { agent = null, worker: withWorker = false, fake = false, json = false, skipInvalid = false } = options;
  using signals = listenForShutdown();
  await using workplace = await openWorkplace({ fake });
  const source = { input, agent, knownAgents: new Set(workplace.agents.keys()) };
  using rejects = skipInvalid ? rejectsFile(`${options.out}.rejects.jsonl`) : undefined;
  const summary = await checkInput(source, rejects?.write);
  if (withWorker) workplace.requireKeys(summary.agents);
  printNotes(summary, options);
  const output = await openRunOutput(input, agent, options);
  const usage = new RunUsage();
  const progress = await followBulk({ workplace, output, usage, rows: summary.rows, signals, source, options });
  if (progress.succeeded + progress.failed + progress.refused < progress.total) {
    await output.close();
    console.error("interrupted. What is enqueued stays so, for whatever worker runs; collect the rest with:");
    console.error(`  ${resumeCommand(input, options)}`);
    return EXIT.interrupted;
  }
  await output.complete();
  if (json) printJson({ progress, summary, out: options.out, usage });
  else printSummary(progress, options.out, usage);
  if (progress.refused + summary.invalid > 0) return EXIT.invalidRows;
  return progress.failed > 0 ? EXIT.jobsFailed : EXIT.ok;
}

function printNotes({ duplicates, invalid }: InputSummary, { out }: BulkCommandOptions): void {
  if (duplicates > 0) console.error(`note: ${duplicates} rows stand in the input twice; they count once`);
  if (invalid > 0) console.error(`note: ${invalid} rows are wrong and left out; see ${out}.rejects.jsonl`);
}

async function openRunOutput(
  input: string,
  agent: string | null,
  { out, resume = false, force = false }: BulkCommandOptions,
): Promise<OutputFile> {
  return await openOutput(out, {
    manifest: { runId: `b${randomBytes(5).toString("hex")}`, input, agent },
    resume,
    force,
  });
}

function resumeCommand(input: string, options: BulkCommandOptions): string {
  const { out, agent, worker, concurrency, fake, skipInvalid } = options;
  const flags = [
    ...(agent === undefined ? [] : ["--agent", agent]),
    ...(worker === true ? ["--worker"] : []),
    ...(concurrency === undefined ? [] : ["--concurrency", String(concurrency)]),
    ...(fake === true ? ["--fake"] : []),
    ...(skipInvalid === true ? ["--skip-invalid"] : []),
  ];
  return ["puppet-engine", "bulk", input, "--out", out, "--resume", ...flags].map(shellWord).join(" ");
}

interface Outcome {
  readonly progress: BulkProgress;
  readonly summary: InputSummary;
  readonly out: string;
  readonly usage: RunUsage;
}

function printJson({ progress, summary: { duplicates, invalid }, out, usage }: Outcome): void {
  const byProvider = usage.by("provider");
  console.log(JSON.stringify({ ...progress, duplicates, invalid, out, byProvider, byAgent: usage.by("agent") }));
}

function printSummary(progress: BulkProgress, out: string, usage: RunUsage): void {
  const byProvider = usage.by("provider");
  if (byProvider.length > 0) {
    console.log(`${usageTable("provider", byProvider)}\n${usageTable("agent", usage.by("agent"))}`);
  }
  const before = progress.finishedBefore;
  if (before > 0)
    console.log(`${before} were finished before and cost nothing now; the tables tell what they cost then`);
  console.log(`${progressLine(progress)}; written to ${out}`);
}
