import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkInput, type InputSummary } from "../bulk/check-input.ts";
import {
  checkTarget,
  dropFailedLines,
  openOutput,
  OutputError,
  readRunManifest,
  type OutputFile,
  type RunManifest,
} from "../bulk/output-file.ts";
import { rejectsFile } from "../bulk/rejects-file.ts";
import type { BulkProgress } from "../bulk/run-bulk.ts";
import { spool } from "../bulk/spool.ts";
import { goOnCommand } from "../job/run-commands.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { listenForShutdown, type ShutdownSignals } from "../platform/shutdown.ts";
import type { BulkCommandOptions } from "./bulk-command.ts";
import { dryRun } from "./dry-run.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followBulk, type FollowedBulk } from "./follow-bulk.ts";
import { progressLine } from "./progress.ts";
import { RunUsage } from "./run-usage.ts";
import { usageTable } from "./tables.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

/** The command `bulk`. @param runId of a run that is new */
export async function bulk(input: string, options: BulkCommandOptions, runId: string): Promise<ExitCode> {
  const { fake = false, out } = options;
  if (options.dryRun === true) return await dryBulk(input, options);
  if (out === undefined) refuseOption("--out", "nothing", "a file for the results (or --dry-run)");
  if (options.retryFailed === true && options.resume !== true) {
    refuseOption("--retry-failed", "a new run", "--resume as well: it goes on with an earlier one");
  }
  using signals = listenForShutdown();
  await using workplace = await openWorkplace({ fake });
  const { resume = false, force = false } = options;
  if (input === "-" && resume) {
    refuseOption("input", "standard input", `the file that it was kept in, such as ${out}.input.jsonl`);
  }
  // Before standard input is kept: an interrupted run may have the place.
  if (options.retryFailed !== true) await checkTarget(out, { resume, force });
  const file = await readable(input, { ...options, place: `${out}.input` });
  return await runFile({ workplace, signals, file, out, options, runId });
}

async function dryBulk(input: string, options: BulkCommandOptions): Promise<ExitCode> {
  const { agent = null, skipInvalid = false, json = false, fake = false } = options;
  await using workplace = await openWorkplace({ fake });
  const folder = await mkdtemp(join(tmpdir(), "puppet-engine-"));
  try {
    const file = await readable(input, { ...options, place: join(folder, "input") });
    const source = { input: file, agent, knownAgents: new Set(workplace.agents.keys()) };
    await dryRun(workplace, { source, skipInvalid, json });
    return EXIT.ok;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Standard input is read twice, and once more when the run is resumed. @returns a file */
async function readable(
  input: string,
  { place, format }: { readonly place: string; readonly format?: BulkCommandOptions["format"] },
): Promise<string> {
  if (input !== "-") return input;
  if (process.stdin.isTTY) refuseOption("input", "a terminal", "a file, or something piped into this command");
  const file = await spool(process.stdin, place, format);
  console.error(`note: standard input is kept as ${file} until the run is done`);
  return file;
}

interface FileRun {
  readonly workplace: Workplace;
  readonly signals: ShutdownSignals;
  readonly file: string;
  readonly out: string;
  readonly options: BulkCommandOptions;
  readonly runId: string;
}

async function runFile({ workplace, signals, file, out, options, runId }: FileRun): Promise<ExitCode> {
  const { agent = null, worker: withWorker = false, json = false, skipInvalid = false } = options;
  const source = { input: file, agent, knownAgents: new Set(workplace.agents.keys()) };
  using rejects = skipInvalid ? rejectsFile(`${out}.rejects.jsonl`) : undefined;
  const summary = await checkInput(source, { onInvalid: rejects?.write });
  if (withWorker) workplace.requireKeys(summary.agents);
  printNotes(summary, out);
  if (options.retryFailed === true) await prepareRetry(out, { runId, input: file, agent });
  const { resume = false, force = false } = options;
  const output = await openOutput(out, { manifest: { runId, input: file, agent }, resume, force });
  if (!json) console.error(`run ${output.manifest.runId}: puppet-engine runs shows, pauses and cancels it`);
  const usage = new RunUsage();
  const { rows, repeats } = summary;
  const command = resumeCommand(file, out, options);
  const followed = { workplace, output, usage, rows, signals, options, source: { ...source, repeats } };
  const progress = await toTheEnd(followed, command);
  if (typeof progress === "number") return progress;
  if (file.startsWith(`${out}.input.`)) await rm(file, { force: true });
  return conclude({ progress, summary, out, usage }, json);
}

/** @returns the exit code when it was left before its end, and can be gone on with */
async function toTheEnd(followed: FollowedBulk, command: string): Promise<BulkProgress | ExitCode> {
  const { output } = followed;
  try {
    const { progress, isCancelled } = await followBulk(followed);
    if (progress.succeeded + progress.failed + progress.refused < progress.total) {
      return await leaveUnfinished(output, { isCancelled, command });
    }
    await output.complete();
    return progress;
  } catch (error) {
    if (error instanceof OutputError) return leaveUnwritten(error, command);
    throw error;
  }
}

function conclude(outcome: Outcome, json: boolean): ExitCode {
  const { progress, summary, out, usage } = outcome;
  if (json) printJson(outcome);
  else printSummary(progress, out, usage);
  if (progress.refused + summary.invalid > 0) return EXIT.invalidRows;
  return progress.failed > 0 ? EXIT.jobsFailed : EXIT.ok;
}

/** A finished run has no manifest any more: `runs retry-failed` knows it from Redis. */
async function prepareRetry(out: string, known: RunManifest): Promise<void> {
  const rows = await dropFailedLines(out, await readRunManifest(out, known));
  console.error(`note: ${rows} rows have failed, and run once more`);
}

async function leaveUnfinished(
  output: OutputFile,
  { isCancelled, command }: { readonly isCancelled: boolean; readonly command: string },
): Promise<ExitCode> {
  await output.close();
  if (isCancelled) {
    const { runId } = output.manifest;
    console.error(`cancelled. What was finished is in ${output.path}.part; to go on after all:`);
    console.error(`  puppet-engine runs resume ${runId} && ${command}`);
    return EXIT.jobsFailed;
  }
  console.error("interrupted. What is enqueued stays so, for whatever worker runs; collect the rest with:");
  console.error(`  ${command}`);
  return EXIT.interrupted;
}

function leaveUnwritten({ message }: OutputError, command: string): ExitCode {
  console.error(`error: ${message}`);
  console.error("Nothing is lost: what has no line yet is kept in Redis. When there is room, go on with:");
  console.error(`  ${command}`);
  return EXIT.unexpected;
}

function refuseOption(path: string, got: string, expected: string): never {
  throw new InvalidInputError([{ source: "bulk", path, got, expected }]);
}

function printNotes({ duplicates, invalid }: InputSummary, out: string): void {
  if (duplicates > 0) console.error(`note: ${duplicates} rows stand in the input twice; they count once`);
  if (invalid > 0) console.error(`note: ${invalid} rows are wrong and left out; see ${out}.rejects.jsonl`);
}

export function resumeCommand(input: string, out: string, options: BulkCommandOptions): string {
  const { agent, worker, concurrency, fake, skipInvalid, ordered, inFlight, delivery } = options;
  const flags = [
    ...(worker === true ? ["--worker"] : []),
    ...(concurrency === undefined ? [] : ["--concurrency", String(concurrency)]),
    ...(fake === true ? ["--fake"] : []),
    ...(skipInvalid === true ? ["--skip-invalid"] : []),
    ...(ordered === true ? ["--ordered"] : []),
    ...(inFlight === undefined ? [] : ["--in-flight", String(inFlight)]),
    ...(delivery === undefined ? [] : ["--delivery", delivery]),
  ];
  return goOnCommand({ input, output: out, agent: agent ?? null }, flags);
}

interface Outcome {
  readonly progress: BulkProgress;
  readonly summary: InputSummary;
  readonly out: string;
  readonly usage: RunUsage;
}

function printJson({ progress, summary: { duplicates, invalid }, out, usage }: Outcome): void {
  const byProvider = usage.by("provider");
  const { fromCache } = usage;
  console.log(
    JSON.stringify({ ...progress, duplicates, invalid, fromCache, out, byProvider, byAgent: usage.by("agent") }),
  );
}

function printSummary(progress: BulkProgress, out: string, usage: RunUsage): void {
  const byProvider = usage.by("provider");
  if (byProvider.length > 0) {
    console.log(`${usageTable("provider", byProvider)}\n${usageTable("agent", usage.by("agent"))}`);
  }
  const before = progress.finishedBefore;
  if (before > 0)
    console.log(`${before} were finished before and cost nothing now; the tables tell what they cost then`);
  if (usage.fromCache > 0) console.log(`${usage.fromCache} texts came from the cache`);
  console.log(`${progressLine(progress)}; written to ${out}`);
}
