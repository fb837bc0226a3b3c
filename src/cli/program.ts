import { Command, CommanderError } from "commander";
import { InvalidRowsError } from "../bulk/check-input.ts";
import { packageVersion } from "../platform/package-root.ts";
import { EmbeddedRedisError } from "../platform/embedded-redis.ts";
import { InvalidInputError, formatProblem, type Problem } from "../platform/problem.ts";
import { RedisServerMissingError } from "../platform/redis-server.ts";
import { RedisUnavailableError } from "../platform/redis.ts";
import { JobConflictError } from "../queue/enqueue-batch.ts";
import { alertsCommand } from "./alerts-command.ts";
import { batchesCommand } from "./batches-command.ts";
import { bulkCommand } from "./bulk-command.ts";
import { cancelCommand } from "./cancel-command.ts";
import type { AddCommand } from "./command.ts";
import { checkCommand } from "./check-command.ts";
import { compareCommand } from "./compare-command.ts";
import { demoCommand } from "./demo-command.ts";
import { enqueueCommand } from "./enqueue-command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { feedbackCommand } from "./feedback-command.ts";
import { healthCommand } from "./health-command.ts";
import { modelsCommand } from "./models-command.ts";
import { monitorCommand } from "./monitor-command.ts";
import { pauseCommand } from "./pause-command.ts";
import { purgeCommand } from "./purge-command.ts";
import { resultCommand } from "./result-command.ts";
import { resumeCommand } from "./resume-command.ts";
import { runsCommand } from "./runs-command.ts";
import { scheduleCommand } from "./schedule-command.ts";
import { startCommand } from "./start-command.ts";
import { usageCommand } from "./usage-command.ts";
import { workerCommand } from "./worker-command.ts";

const COMMANDS: readonly AddCommand[] = [
  demoCommand,
  startCommand,
  workerCommand,
  monitorCommand,
  enqueueCommand,
  bulkCommand,
  runsCommand,
  batchesCommand,
  compareCommand,
  scheduleCommand,
  resultCommand,
  cancelCommand,
  feedbackCommand,
  purgeCommand,
  usageCommand,
  healthCommand,
  alertsCommand,
  pauseCommand,
  resumeCommand,
  modelsCommand,
  checkCommand,
];

const EXAMPLES = `
Examples:
  $ puppet-engine demo                                           see everything work, without any key
  $ puppet-engine enqueue tweet --agent ada --topic "tea" --wait one tweet, now
  $ puppet-engine bulk topics.csv --out tweets.jsonl --worker    a file of jobs, worked off in this process
  $ puppet-engine runs                                           bulk runs: progress, pause, resume, cancel, retry
  $ puppet-engine compare topics.csv --models openai/gpt-6-luna,grok/grok-4.3 --html report.html
                                                                 models side by side
  $ puppet-engine schedule sync                                  agents post by themselves from now on
  $ puppet-engine worker                                         take jobs until stopped
  $ puppet-engine feedback rain-1 up                             how good a text was
  $ puppet-engine usage --by model                               what it cost
  $ puppet-engine models --provider openai                       which models there are, for whom, and at what price
  $ puppet-engine health                                         whether providers can be called, and what is paused
  $ puppet-engine alerts                                         what wants a person now

Exit codes: 0 ok · 1 a file that cannot be written, or a defect · 2 usage or configuration · 3 some rows invalid
            4 some jobs failed · 5 Redis unreachable · 130 interrupted
Settings come from the environment and .env; every variable is explained in .env.example.`;

/** Runs one command line. Prints every error for people; never throws. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = new Command("puppet-engine")
    .description("Generates posts with LLMs for many agents: jobs in, texts and a full account of tokens and cost out.")
    .version(packageVersion())
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(add --help for usage)")
    .exitOverride();
  for (const add of COMMANDS) add(program, (code) => (exitCode = code));
  for (const command of program.commands) inheritSettings(command, program);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error);
  }
}

/** Sub-commands added later do not take over the program's error handling by themselves. */
function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, command);
}

const MAX_SHOWN_PROBLEMS = 20;

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InvalidInputError) {
    printProblems(error.problems);
    return error instanceof InvalidRowsError ? EXIT.invalidRows : EXIT.usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  console.error(`error: ${message}`);
  if (error instanceof JobConflictError) return EXIT.usage;
  if (
    error instanceof RedisUnavailableError ||
    error instanceof RedisServerMissingError ||
    error instanceof EmbeddedRedisError
  ) {
    return EXIT.redisUnreachable;
  }
  if (error instanceof Error && !isFileError(error)) console.error(error.stack);
  return EXIT.unexpected;
}

/** A full disk or a folder that may not be written to: the message says it all. */
function isFileError(error: Error): boolean {
  return "syscall" in error && "path" in error;
}

function printProblems(problems: readonly Problem[]): void {
  for (const problem of problems.slice(0, MAX_SHOWN_PROBLEMS)) console.error(`error: ${formatProblem(problem)}`);
  const more = problems.length - MAX_SHOWN_PROBLEMS;
  if (more > 0) console.error(`error: … and ${more} more`);
}
