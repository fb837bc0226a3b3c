import type { ParsedJobInput } from "../job/generation-job.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import { IdSet } from "./id-set.ts";
import { readRows } from "./read-rows.ts";
import { rowToJob } from "./row-to-job.ts";
import type { Row } from "./row.ts";

export interface JobSource {
  /** The input file. */
  readonly input: string;
  /** For rows that name no agent. */
  readonly agent: string | null;
  readonly knownAgents: ReadonlySet<string>;
  /**
   * Lines that have the id of an earlier row, where that is known already: they are left out, and no ids are remembered.
   * Remembering them takes memory for every row. Default: they are found out.
   */
  readonly repeats?: ReadonlySet<number>;
}

/** What a row of the input turned out to be. */
export type ReadJob =
  | { readonly is: "job"; readonly row: Row; readonly job: ParsedJobInput }
  /** The same row was there before, or one with its id in `repeats`. */
  | { readonly is: "duplicate"; readonly row: Row }
  /** `isRepeat`: another row has its id. */
  | { readonly is: "invalid"; readonly row: Row; readonly problems: readonly Problem[]; readonly isRepeat: boolean };

/**
 * Reads the input row by row; the same file gives the same jobs every time.
 * @param afterLine rows up to this line are left out
 * @throws InvalidInputError when the file as a whole is no use
 */
export async function* readJobs(source: JobSource, afterLine = 0): AsyncGenerator<ReadJob> {
  const seen = source.repeats === undefined ? new IdSet() : null;
  const defaults = { source: source.input, ...(source.agent === null ? {} : { agent: source.agent }) };
  for await (const row of readRows(source.input)) {
    if (row.line <= afterLine) continue;
    try {
      const job = rowToJob(row, defaults);
      checkAgent(job, row.line, source);
      const earlier =
        seen === null || job.id === undefined ? undefined : seen.add(job.id, row.line, JSON.stringify(job));
      if (earlier?.isSameContent === true || source.repeats?.has(row.line) === true) yield { is: "duplicate", row };
      else if (earlier === undefined) yield { is: "job", row, job };
      else yield { is: "invalid", row, problems: [repeatOf(job, row, { earlier, source })], isRepeat: true };
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      yield { is: "invalid", row, problems: error.problems, isRepeat: false };
    }
  }
}

function checkAgent(job: ParsedJobInput, line: number, { input, knownAgents }: JobSource): void {
  if (job.agent === undefined || knownAgents.has(job.agent)) return;
  const expected = oneOf(job.agent, knownAgents);
  throw new InvalidInputError([{ source: input, line, path: "agent", got: showValue(job.agent), expected }]);
}

/** The same row twice counts once; another row under the same id is an error that names both lines. */
function repeatOf(
  { id }: ParsedJobInput,
  { line }: Row,
  { earlier, source }: { readonly earlier: { readonly number: number }; readonly source: JobSource },
): Problem {
  const got = `${showValue(id)}, which line ${earlier.number} has with other content`;
  return { source: source.input, line, path: "id", got, expected: "an id of its own" };
}
