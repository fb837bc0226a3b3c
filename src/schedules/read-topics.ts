import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { physicalLines } from "../bulk/physical-lines.ts";
import { readRows } from "../bulk/read-rows.ts";
import { rowToJob } from "../bulk/row-to-job.ts";
import type { JobInput } from "../job/generation-job.ts";
import { parseJobInput } from "../job/generation-job.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import { MOST_TOPICS } from "./schedule-file.ts";
import type { Topic } from "./schedule.ts";

/** Of a `.txt` file. */
const LONGEST_LINE_BYTES = 64 * 1024;
const MOST_PROBLEMS = 20;

/**
 * The topics of a file: `.txt` has one a line; `.csv` and `.jsonl` have rows as for bulk runs, with a `topic` and any other
 * context. Rows of other agents are left out, and what is in the file twice counts once.
 * @throws InvalidInputError with the problems of all lines
 */
export async function readTopics(path: string, agentId: string): Promise<Topic[]> {
  const problems: Problem[] = [];
  const topics = new Map<string, Topic>();
  for await (const read of extname(path).toLowerCase() === ".txt" ? linesOf(path, agentId) : rowsOf(path, agentId)) {
    const job = attempt(read, problems);
    if (problems.length >= MOST_PROBLEMS) break;
    if (job?.agent !== agentId || job.context === undefined) continue;
    topics.set(JSON.stringify(job.context), job.context);
    if (topics.size > MOST_TOPICS) throw refusal(path, `more than ${MOST_TOPICS} topics`, `at most ${MOST_TOPICS}`);
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  if (topics.size === 0) throw refusal(path, `no topic for ${agentId}`, "at least one");
  return [...topics.values()];
}

function attempt(read: () => JobInput, problems: Problem[]): JobInput | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

async function* linesOf(path: string, agent: string): AsyncGenerator<() => JobInput> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) throw refusal(path, "no such file", "a text file with a topic a line");
  const lines = physicalLines(createReadStream(path), { path, longestLineBytes: LONGEST_LINE_BYTES });
  for await (const { number, text } of lines) {
    const topic = text.trim();
    if (topic !== "") yield () => parseJobInput({ kind: "tweet", agent, context: { topic } }, path, number);
  }
}

async function* rowsOf(path: string, agent: string): AsyncGenerator<() => JobInput> {
  for await (const row of readRows(path)) {
    yield () => {
      const job = rowToJob(row, { source: path, agent });
      const at = { source: path, line: row.line };
      if (job.kind !== "tweet")
        throw new InvalidInputError([{ ...at, path: "kind", got: JSON.stringify(job.kind), expected: "tweets only" }]);
      const { topic } = job.context ?? {};
      if (typeof topic === "string" && topic.trim() !== "") return job;
      throw new InvalidInputError([{ ...at, path: "topic", got: "nothing", expected: "what the post is about" }]);
    };
  }
}

function refusal(path: string, got: string, expected: string): InvalidInputError {
  return new InvalidInputError([{ source: path, path: "", got, expected }]);
}
