import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkInput, type InputSummary } from "../../../src/bulk/check-input.ts";
import { readRows } from "../../../src/bulk/read-rows.ts";
import type { Row } from "../../../src/bulk/row.ts";
import { formatProblem, InvalidInputError } from "../../../src/platform/problem.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

export interface InputFile extends AsyncDisposable {
  readonly path: string;
}

/** A file that goes away with its scope. */
export async function inputFile(name: string, content: string | Buffer): Promise<InputFile> {
  const folder = await makeTempFolder();
  const path = join(folder.path, name);
  await writeFile(path, content);
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** `line: fields` or `line! problem` for each row; ends with the error if there is one. */
export async function rowsOf(name: string, content: string | Buffer): Promise<string[]> {
  await using file = await inputFile(name, content);
  const rows: string[] = [];
  try {
    for await (const row of readRows(file.path)) rows.push(show(row));
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    rows.push(error.message);
  }
  return rows.map((row) => row.replaceAll(file.path, name));
}

function show(row: Row): string {
  if (row.problem === undefined) return `${row.line}: ${JSON.stringify(row.fields)}`;
  return `${row.line}! ${formatProblem(row.problem)}`;
}

export const KNOWN_AGENTS: ReadonlySet<string> = new Set(["ada", "orbit"]);

export interface CheckedInput {
  readonly summary?: Pick<InputSummary, "rows" | "duplicates">;
  /** The class of the error, then its lines. */
  readonly refused?: readonly string[];
}

/** What `bulk` says of an input before anything is enqueued. */
export async function check(
  name: string,
  content: string | Buffer,
  agent: string | null = null,
): Promise<CheckedInput> {
  await using file = await inputFile(name, content);
  try {
    const { rows, duplicates } = await checkInput({ input: file.path, agent, knownAgents: KNOWN_AGENTS });
    return { summary: { rows, duplicates } };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { refused: [error.name, ...error.message.replaceAll(file.path, name).split("\n")] };
  }
}
