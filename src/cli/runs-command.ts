import { doneOf, type BulkRun, type RunState } from "../job/bulk-run.ts";
import { systemClock } from "../platform/clock.ts";
import { duration, formatUsd, integer } from "../platform/numbers.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RunBook } from "../storage/run-book.ts";
import { alignedTable, type Column } from "./aligned-table.ts";
import type { BulkCommandOptions } from "./bulk-command.ts";
import type { AddCommand } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { positiveInteger } from "./options.ts";
import { bulk, resumeCommand } from "./run-bulk-file.ts";
import { openWorkplace } from "./workplace.ts";

export const runsCommand: AddCommand = (program, end) => {
  const runs = program.command("runs").description("bulk runs: how far they are; pause, resume, cancel, retry");
  runs
    .command("list", { isDefault: true })
    .description("all runs of the last 30 days, the newest first")
    .option("--json", "print JSON")
    .action(async ({ json = false }: { json?: boolean }) => end(await list(json)));
  runs
    .command("show <id>")
    .description("everything about one run")
    .option("--json", "print JSON")
    .action(async (id: string, { json = false }: { json?: boolean }) => end(await show(id, json)));
  runs
    .command("pause <id>")
    .description("call for none of its rows until it is resumed; calls under way end as they do")
    .action(async (id: string) => end(await change(id, "paused")));
  runs
    .command("resume <id>")
    .description("go on with a run that was paused or cancelled")
    .action(async (id: string) => end(await change(id, "running")));
  runs
    .command("cancel <id>")
    .description("run no more of its rows; what is finished stays")
    .action(async (id: string) => end(await change(id, "cancelled")));
  runs
    .command("retry-failed <id>")
    .description("run the rows that have failed or expired once more, and put their lines into the run's output")
    .option("--worker", "run a worker in this process; otherwise running workers do it")
    .option("--concurrency <n>", "with --worker: jobs in work at once", positiveInteger)
    .option("--fake", "replace providers without a key by the fake one")
    .option("--json", "print the summary as JSON, and no progress")
    .action(async (id: string, options: BulkCommandOptions) => end(await retryFailed(id, options)));
};

async function withRuns<T>(use: (runs: RunBook) => Promise<T>): Promise<T> {
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  return await use(producer.runs);
}

async function list(json: boolean): Promise<ExitCode> {
  const runs = await withRuns((book) => book.list());
  if (json) console.log(JSON.stringify(runs));
  else if (runs.length === 0) console.log("no runs in the last 30 days");
  else console.log(alignedTable(runs, columns(systemClock.now()), { text: 2, number: 2 }));
  return EXIT.ok;
}

function columns(now: number): Column<BulkRun>[] {
  return [
    { head: "run", cell: ({ id }) => id },
    { head: "state", cell: stateText },
    { head: "done", isNumber: true, cell: doneText },
    { head: "failed", isNumber: true, cell: ({ done }) => integer((done.failed ?? 0) + (done.expired ?? 0)) },
    { head: "USD", isNumber: true, cell: costText },
    { head: "left", isNumber: true, cell: (run) => leftText(run, now) },
    { head: "begun", isNumber: true, cell: ({ createdAt }) => `${duration(now - createdAt)} ago` },
    { head: "input", cell: ({ input }) => input ?? "", mayBeCut: true },
  ];
}

/** A run goes on with what is enqueued even when nobody feeds it; but its rows end. */
function stateText({ state, isFed }: BulkRun): string {
  return state === "running" && !isFed ? "not fed" : state;
}

function doneText(run: BulkRun): string {
  const done = integer(doneOf(run));
  return run.total === null ? done : `${done}/${integer(run.total)}`;
}

function costText({ costMicroUsd, unpriced }: BulkRun): string {
  return `${formatUsd(costMicroUsd)}${unpriced > 0 ? " + ?" : ""}`;
}

function leftText({ etaAt, isFed }: BulkRun, now: number): string {
  return etaAt === null || !isFed ? "" : duration(Math.max(0, etaAt - now));
}

async function show(id: string, json: boolean): Promise<ExitCode> {
  const run = await known(id);
  if (json) {
    console.log(JSON.stringify(run));
    return EXIT.ok;
  }
  const now = systemClock.now();
  const counts = Object.entries(run.done).map(([status, count]) => `${integer(count)} ${status}`);
  const lines: readonly (readonly [string, string])[] = [
    ["run", run.id],
    ["state", stateText(run)],
    ["done", `${doneText(run)}${counts.length === 0 ? "" : ` (${counts.join(", ")})`}`],
    ["cost", `${costText(run)} USD`],
    ["left", leftText(run, now)],
    ["begun", new Date(run.createdAt).toISOString()],
    ["ended", run.endedAt === null ? "" : new Date(run.endedAt).toISOString()],
    ["input", run.input ?? ""],
    ["output", run.output ?? ""],
    ["agent", run.agent ?? ""],
  ];
  for (const [label, text] of lines) if (text !== "") console.log(`${label.padEnd(8)}${text}`);
  return EXIT.ok;
}

async function known(id: string): Promise<BulkRun> {
  return (await withRuns((book) => book.read(id))) ?? refuse(id);
}

function refuse(id: string): never {
  const expected = "the id of a run; `puppet-engine runs` lists them";
  throw new InvalidInputError([{ source: "runs", path: "id", got: showValue(id), expected }]);
}

async function change(id: string, state: RunState): Promise<ExitCode> {
  const before = await withRuns(async (book) => {
    const run = (await book.read(id)) ?? refuse(id);
    if (run.state !== "done" && run.state !== state) await book.setState(id, state);
    return run;
  });
  if (before.state === "done") console.log(`${id} is done: nothing was changed`);
  else console.log(`${id} ${before.state === state ? `is ${state} already` : `is ${state}`}`);
  if (state === "running" && before.state !== "done" && !before.isFed && before.input !== null) {
    const agent = before.agent === null ? {} : { agent: before.agent };
    console.log("no process feeds it any more; go on with:");
    console.log(`  ${resumeCommand(before.input, before.output ?? "out.jsonl", agent)}`);
  }
  return EXIT.ok;
}

async function retryFailed(id: string, options: BulkCommandOptions): Promise<ExitCode> {
  const { input, output, agent, isFed } = await known(id);
  if (isFed) {
    const got = "a run that a process feeds just now";
    throw new InvalidInputError([{ source: "runs", path: "id", got, expected: "one that is done or interrupted" }]);
  }
  if (input === null || output === null) {
    const got = "a run without input and output files";
    throw new InvalidInputError([
      {
        source: "runs",
        path: "id",
        got,
        expected: "one of `puppet-engine bulk`; others: enqueueMany with retryFailed",
      },
    ]);
  }
  const own = agent === null ? {} : { agent };
  return await bulk(input, { ...options, ...own, out: output, resume: true, retryFailed: true }, id);
}
