import { checkScores, scoreOfWords } from "../bulk/read-scores.ts";
import { sendScores, type ReplyCounts } from "../bulk/send-scores.ts";
import type { FeedbackReply } from "../job/feedback.ts";
import { InvalidInputError, formatProblem } from "../platform/problem.ts";
import { listenForShutdown } from "../platform/shutdown.ts";
import type { AddCommand } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { cappedLines } from "./capped-lines.ts";
import { integer } from "../platform/numbers.ts";
import { openWorkplace } from "./workplace.ts";

interface FeedbackOptions {
  readonly file?: string;
  readonly skipInvalid?: boolean;
  readonly json?: boolean;
}

const MEANING = {
  unknown: "there is no such job, or its result is no longer kept",
  unfinished: "it has no result yet; score it when it is finished",
  "no-text": "it ended without a text; there is nothing to score",
} as const satisfies Record<Exclude<FeedbackReply, "stored">, string>;

export const feedbackCommand: AddCommand = (program, end) => {
  program
    .command("feedback [id] [score]")
    .description("say how good a text was, by what people did with it; usage shows the means")
    .option("--file <file>", "a file of scores (.csv or .jsonl) with the columns id and score")
    .option("--skip-invalid", "with --file: store the rows that are right, and tell the others")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
A score is a number from 0 (bad) to 1 (good), or up (1) or down (0). What it measures is yours to decide: ratings, or
likes divided by the most likes that a post of yours has had. A job has one score, and a second one replaces the first,
so that the same feedback may be given twice, and engagement that grows be sent every day.

  $ puppet-engine feedback rain-1 0.8
  $ puppet-engine feedback rain-1 up
  $ puppet-engine feedback --file scores.csv
  $ puppet-engine usage --by model

scores.csv (further columns do not matter):          scores.jsonl:
  id,score                                             {"id": "rain-1", "score": 0.8}
  rain-1,0.8                                           {"id": "fog-1", "score": 0}
  fog-1,down
When a row of the file is wrong nothing is stored, and all that is wrong is listed; --skip-invalid goes on without such
rows.

Exit code 2: there is no such job (of a file: 3). 4: it is not finished, or ended without a text.`,
    )
    .action(async (id: string | undefined, score: string | undefined, options: FeedbackOptions) =>
      end(await giveFeedback({ id, score }, options)),
    );
};

interface Words {
  readonly id: string | undefined;
  readonly score: string | undefined;
}

async function giveFeedback({ id, score }: Words, options: FeedbackOptions): Promise<ExitCode> {
  const { file, skipInvalid = false, json = false } = options;
  if (file !== undefined && id === undefined) return await scoreFile(file, { skipInvalid, json });
  if (file !== undefined || skipInvalid)
    refuse("arguments", file === undefined ? "--skip-invalid" : "--file and an id");
  if (id === undefined) return refuse("arguments", "none");
  if (score === undefined) return refuse("score", "none");
  return await scoreOne(id, { score, json });
}

function refuse(path: string, got: string): never {
  const expected = "an id and a score, or --file and a file of them";
  throw new InvalidInputError([{ source: "feedback", path, got, expected }]);
}

async function scoreOne(id: string, given: { score: string; json: boolean }): Promise<ExitCode> {
  const scored = scoreOfWords(id, given.score);
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  const reply = await producer.feedback(scored.id, scored.score);
  if (given.json) console.log(JSON.stringify({ ...scored, reply }));
  else console.log(`${id}: ${reply === "stored" ? `scored ${scored.score}` : MEANING[reply]}`);
  switch (reply) {
    case "stored":
      return EXIT.ok;
    case "unknown":
      return EXIT.usage;
    case "unfinished":
    case "no-text":
      return EXIT.jobsFailed;
    default:
      return reply satisfies never;
  }
}

async function scoreFile(path: string, options: { skipInvalid: boolean; json: boolean }): Promise<ExitCode> {
  using signals = listenForShutdown();
  const invalid = await checkScores(path, options);
  const errors = cappedLines();
  for (const problem of invalid.problems) errors.print(`error: ${formatProblem(problem)}`);
  await using workplace = await openWorkplace({ agents: "none" });
  await using producer = workplace.producer();
  const counts = await sendScores({
    ...{ path, producer, signal: signals.requested },
    onNotStored: ({ line, id }, reply) => errors.print(`not stored: ${path}:${line} ${id}: ${MEANING[reply]}`),
  });
  errors.end();
  const summary = { ...counts, invalid: invalid.rows };
  console.log(options.json ? JSON.stringify({ file: path, ...summary }) : summaryLine(summary));
  if (signals.requested.aborted) {
    console.error("interrupted; the same command again does all of it, and counts nothing twice");
    return EXIT.interrupted;
  }
  if (counts.unknown + invalid.rows > 0) return EXIT.invalidRows;
  return counts.unfinished + counts["no-text"] > 0 ? EXIT.jobsFailed : EXIT.ok;
}

function summaryLine({ stored, unknown, unfinished, invalid, ...counts }: ReplyCounts & { invalid: number }): string {
  const others: readonly [number, string][] = [
    [unknown, "unknown"],
    [unfinished, "not finished"],
    [counts["no-text"], "without a text"],
    [invalid, "invalid"],
  ];
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `, ${integer(count)} ${what}`);
  return `${integer(stored)} ${stored === 1 ? "score" : "scores"} stored${told.join("")}`;
}
