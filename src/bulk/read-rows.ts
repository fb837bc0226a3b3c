import { open, stat } from "node:fs/promises";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { parse, CsvError } from "csv-parse";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";

/** One row of an input file, or what is wrong with it. */
export type Row =
  | { readonly line: number; readonly fields: Readonly<Record<string, unknown>>; readonly problem?: never }
  | { readonly line: number; readonly problem: Problem };

/**
 * Reads a `.csv` or `.jsonl` file row by row with bounded memory. UTF-8, with or without BOM; LF or CRLF; blank lines
 * are skipped; line numbers are physical ones, also after quoted line breaks.
 * @throws InvalidInputError when the file as a whole is no use: missing, a folder, of another kind, without a header
 */
export async function* readRows(path: string): AsyncGenerator<Row> {
  await checkFile(path);
  const file = await open(path);
  try {
    const chunks = decodeUtf8(file.createReadStream({ autoClose: false }), path);
    yield* extname(path).toLowerCase() === ".csv" ? csvRows(chunks, path) : jsonRows(chunks, path);
  } finally {
    await file.close();
  }
}

async function checkFile(path: string): Promise<void> {
  const fail = (got: string, expected: string): never => {
    throw new InvalidInputError([{ source: path, path: "", got, expected }]);
  };
  const extension = extname(path).toLowerCase();
  if (extension !== ".csv" && extension !== ".jsonl" && extension !== ".ndjson")
    fail(`a file named *${extension}`, "*.csv or *.jsonl");
  const stats = await stat(path).catch(() => fail("nothing: it does not exist", "a file"));
  if (!stats.isFile()) fail(stats.isDirectory() ? "a folder" : "no regular file", "a file");
  if (stats.size === 0) fail("0 rows", "at least one row");
}

/** Decodes strictly: Latin-1 read as UTF-8 would end up in posts. */
async function* decodeUtf8(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let lines = 1;
  try {
    for await (const chunk of chunks) {
      const text = decoder.decode(chunk, { stream: true });
      yield text;
      lines += chunk.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InvalidInputError([
      {
        source: path,
        line: lines,
        path: "",
        got: "bytes that are not UTF-8 here or soon after",
        expected: "a file saved as UTF-8",
      },
    ]);
  }
}

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>;
  readonly raw: string;
  readonly info: { readonly lines: number };
}

async function* csvRows(chunks: AsyncIterable<string>, path: string): AsyncGenerator<Row> {
  const source = Readable.from(chunks);
  const parser = parse({
    columns: (header: string[]) => checkHeader(header, path),
    info: true,
    raw: true,
    skip_empty_lines: true,
  });
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<CsvRecord>) {
      yield { line: info.lines - lineBreaks(raw.replace(/^\s+|\s+$/g, "")), fields: record };
    }
  } catch (error) {
    throw error instanceof CsvError ? new InvalidInputError([csvProblem(error, path)]) : error;
  }
}

function lineBreaks(text: string): number {
  return text.split("\n").length - 1;
}

function checkHeader(header: string[], path: string): string[] {
  const names = header.map((name) => name.replace(/^\uFEFF/, "").trim());
  const problems = names.flatMap((name, index): Problem[] => {
    const at = { source: path, line: 1, path: `column ${index + 1}` };
    if (name === "") return [{ ...at, got: "no name", expected: "a name in the first line for every column" }];
    if (names.indexOf(name) < index) return [{ ...at, got: `${showValue(name)} again`, expected: "every column once" }];
    return [];
  });
  if (problems.length > 0) throw new InvalidInputError(problems);
  return names;
}

function csvProblem(error: CsvError, path: string): Problem {
  const facts = error as unknown as { lines?: number; columns?: unknown[]; record?: unknown[] };
  const line = facts.lines ?? 1;
  if (error.code === "CSV_RECORD_INCONSISTENT_COLUMNS" && Array.isArray(facts.columns) && Array.isArray(facts.record)) {
    return {
      source: path,
      line,
      path: "",
      got: `${facts.record.length} cells`,
      expected: `${facts.columns.length}, as the header has`,
    };
  }
  return { source: path, line, path: "", got: error.message, expected: "CSV with commas and double quotes" };
}

async function* jsonRows(chunks: AsyncIterable<string>, path: string): AsyncGenerator<Row> {
  const lines = createInterface({ input: Readable.from(chunks, { objectMode: false }), crlfDelay: Infinity });
  let line = 0;
  for await (const raw of lines) {
    line++;
    const text = line === 1 ? raw.replace(/^\uFEFF/, "") : raw;
    if (text.trim() !== "") yield parseJsonRow(text, line, path);
  }
}

function parseJsonRow(text: string, line: number, path: string): Row {
  const problem = (got: string): Row => ({
    line,
    problem: { source: path, line, path: "", got, expected: "one JSON object" },
  });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { line, fields: value as Record<string, unknown> };
    return problem(showValue(value));
  } catch {
    return problem(showValue(text));
  }
}
