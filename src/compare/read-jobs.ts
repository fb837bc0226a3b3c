import { readJobs, type JobSource } from "../bulk/read-jobs.ts";
import { InvalidRowsError } from "../bulk/check-input.ts";
import { parseJobInput, type ParsedJobInput } from "../job/generation-job.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";

/** A report with more texts than this is for nobody to read. */
const MOST_TEXTS = 10_000;
/** A file of another kind would otherwise report every line. */
const MOST_PROBLEMS = 1000;

export interface JobLimits {
  /** Only so many jobs, from the first on; `null`: all. */
  readonly limit: number | null;
  /** How many models write each of them. */
  readonly models: number;
}

/**
 * The jobs of a file, the same row twice once.
 * @throws InvalidRowsError with the problems of all rows up to the limit
 * @throws InvalidInputError when the file is no use at all, has no rows or too many
 */
export async function readComparedJobs(source: JobSource, limits: JobLimits): Promise<readonly ParsedJobInput[]> {
  const jobs: ParsedJobInput[] = [];
  const problems: Problem[] = [];
  for await (const read of readJobs(source)) {
    if (read.is === "invalid") problems.push(...read.problems);
    if (read.is === "job") jobs.push(parseJobInput(read.job, source.input, read.row.line));
    if (jobs.length === limits.limit || problems.length >= MOST_PROBLEMS) break;
    checkCount(jobs.length, limits.models, source.input);
  }
  if (problems.length > 0) throw new InvalidRowsError(problems);
  if (jobs.length > 0) return jobs;
  throw new InvalidInputError([{ source: source.input, path: "", got: "0 rows", expected: "at least one row" }]);
}

/** A tweet about each topic. */
export function jobsOfTopics(
  topics: readonly string[],
  agent: string,
  { limit, models }: JobLimits,
): readonly ParsedJobInput[] {
  const taken = topics.slice(0, limit ?? topics.length);
  checkCount(taken.length, models, "--topic");
  return taken.map((topic) => parseJobInput({ kind: "tweet", agent, context: { topic } }, "--topic"));
}

function checkCount(jobs: number, models: number, source: string): void {
  if (jobs * models <= MOST_TEXTS) return;
  const expected = `at most ${Math.floor(MOST_TEXTS / models)} for ${models} models (--limit takes the first of them)`;
  throw new InvalidInputError([{ source, path: "", got: "too many jobs", expected }]);
}
