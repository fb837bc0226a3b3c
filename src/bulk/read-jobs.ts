import { createHash } from "node:crypto";
import type { JobInput } from "../job/generation-job.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import { readRows } from "./read-rows.ts";
import { rowToJob } from "./row-to-job.ts";
import type { Row } from "./row.ts";

export interface JobSource {
  /** The input file. */
  readonly input: string;
  /** For rows that name no agent. */
  readonly agent: string | null;
  readonly knownAgents: ReadonlySet<string>;
}

/** What a row of the input turned out to be. */
export type ReadJob =
  | { readonly is: "job"; readonly row: Row; readonly job: JobInput }
  /** The same row was there before. */
  | { readonly is: "duplicate"; readonly row: Row }
  | { readonly is: "invalid"; readonly row: Row; readonly problems: readonly Problem[] };

/** Id → where it was, and a hash of the whole row: of a million rows the rows themselves would fill the memory. */
type SeenRows = Map<string, { readonly line: number; readonly content: string }>;

/**
 * Reads the input row by row; the same file gives the same jobs every time.
 * @throws InvalidInputError when the file as a whole is no use
 */
export async function* readJobs(source: JobSource): AsyncGenerator<ReadJob> {
  const seen: SeenRows = new Map();
  const defaults = { source: source.input, ...(source.agent === null ? {} : { agent: source.agent }) };
  for await (const row of readRows(source.input)) {
    try {
      const job = rowToJob(row, defaults);
      checkAgent(job, row.line, source);
      yield isDuplicate(job, row.line, { seen, input: source.input })
        ? { is: "duplicate", row }
        : { is: "job", row, job };
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      yield { is: "invalid", row, problems: error.problems };
    }
  }
}

function checkAgent(job: JobInput, line: number, { input, knownAgents }: JobSource): void {
  if (job.agent === undefined || knownAgents.has(job.agent)) return;
  const expected = oneOf(job.agent, knownAgents);
  throw new InvalidInputError([{ source: input, line, path: "agent", got: showValue(job.agent), expected }]);
}

/** The same row twice counts once; another row under the same id is an error that names both lines. */
function isDuplicate(job: JobInput, line: number, { seen, input }: { seen: SeenRows; input: string }): boolean {
  if (job.id === undefined) return false;
  const id = String(job.id);
  const content = createHash("sha256").update(JSON.stringify(job)).digest("base64");
  const earlier = seen.get(id);
  if (earlier === undefined) {
    seen.set(id, { line, content });
    return false;
  }
  if (earlier.content === content) return true;
  const got = `${showValue(id)}, which line ${earlier.line} has with other content`;
  throw new InvalidInputError([{ source: input, line, path: "id", got, expected: "an id of its own" }]);
}
