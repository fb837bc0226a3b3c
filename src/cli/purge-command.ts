import type { PurgeReport } from "../job/purge.ts";
import { integer } from "../platform/numbers.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { AddCommand } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { openWorkplace } from "./workplace.ts";

interface PurgeCommandOptions {
  readonly agent: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const HELP = `
Goes:   prompts, contexts, texts, drafts and messages of all its jobs, finished or not, wherever they are kept; the
        snapshots of its file, its schedule, cached texts, what its texts were compared by
Ends:   its jobs that have no result get one: cancelled
Stays:  usage rows, counters, budgets, and of each result the id, status, cost and attempts; run and batch records
Not reached:
  the append-only file, until Redis rewrites it    redis-cli BGREWRITEAOF, and delete old copies and backups
  output files of bulk runs and comparisons        delete them
  logs and traces                                  a line may quote a vendor's message or the beginning of a refusal
  what the vendors keep                            see their terms
Nothing keeps the agent from being used again: stop what enqueues for it, and take it out of the agents' files, first.

Safe to run again, and to be interrupted: the next run does what is left.

  $ puppet-engine purge --agent ada --dry-run
  $ puppet-engine purge --agent ada --yes

Exit code 4: calls or batches were still under way; run it again.`;

export const purgeCommand: AddCommand = (program, end) => {
  program
    .command("purge")
    .description("remove everything that an agent was asked and has written, and keep the accounts")
    .requiredOption("--agent <id>", "whose texts are to go")
    .option("--dry-run", "only show what would go")
    .option("--yes", "really do it; it cannot be undone")
    .option("--json", "print JSON, and no progress")
    .addHelpText("after", HELP)
    .action(async (options: PurgeCommandOptions) => end(await purge(options)));
};

async function purge({ agent, dryRun = false, yes = false, json = false }: PurgeCommandOptions): Promise<ExitCode> {
  if (!dryRun && !yes) throw unconfirmed();
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  const progress = json ? undefined : sayNowAndThen();
  const report = await producer.purge(agent, { dryRun, ...(progress === undefined ? {} : { onProgress: progress }) });
  if (json) console.log(JSON.stringify({ agent, dryRun, ...report }));
  else for (const line of describe(agent, report, dryRun)) console.log(line);
  if (dryRun) console.error("note: nothing was changed (--dry-run)");
  else if (report.underWay > 0) console.error(underWayNote(agent, report.underWay));
  else if (!json)
    console.error("note: what Redis has written to disk is there until it rewrites it: redis-cli BGREWRITEAOF");
  return report.underWay > 0 && !dryRun ? EXIT.jobsFailed : EXIT.ok;
}

function unconfirmed(): InvalidInputError {
  const expected = "--yes, because it cannot be undone, or --dry-run to see what would go";
  return new InvalidInputError([{ source: "purge", path: "--yes", got: "nothing", expected }]);
}

const SAY_EVERY_MS = 5000;

function sayNowAndThen(): (step: string, found: PurgeReport) => void {
  let saidMs = performance.now();
  return (step, { results, queued, messages }) => {
    if (performance.now() - saidMs < SAY_EVERY_MS) return;
    saidMs = performance.now();
    console.error(
      `${step}: ${integer(results)} results, ${integer(queued)} jobs in lanes, ${integer(messages)} messages`,
    );
  };
}

/** What each count is of. */
const WORDS: readonly (readonly [name: Exclude<keyof PurgeReport, "underWay">, what: string])[] = [
  ["cancelled", "jobs without a result: cancelled"],
  ["results", "results: texts and messages; their status, cost and attempts stay"],
  ["queued", "jobs in lanes, with what was asked"],
  ["batchRows", "jobs that waited for a batch"],
  ["messages", "messages in usage rows; the rows stay"],
  ["snapshots", "snapshots of its file"],
  ["cached", "cached texts"],
  ["fingerprints", "texts that others are compared with"],
  ["schedules", "schedule; `puppet-engine schedule sync` brings it back while its file is there"],
];

function describe(agent: string, report: PurgeReport, dryRun: boolean): string[] {
  const found = WORDS.filter(([name]) => report[name] > 0);
  if (found.length === 0 && report.underWay === 0) return [`${agent}: nothing of it is kept`];
  const lines = found.map(([name, what]) => `${integer(report[name]).padStart(9)}  ${what}`);
  return [`${agent}: ${dryRun ? "would be" : "is"} purged`, ...lines];
}

function underWayNote(agent: string, count: number): string {
  const again = `puppet-engine purge --agent ${shellWord(agent)} --yes`;
  return `warning: ${integer(count)} of its jobs are still under way, at a vendor or at a worker that died: run it again when they have ended:\n  ${again}`;
}
