import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { basename, extname } from "node:path";
import { InvalidInputError } from "../platform/problem.ts";
import { JOB_COLUMNS, type Columns } from "./columns.ts";
import { csvRows } from "./csv-rows.ts";
import { jsonRows } from "./json-rows.ts";
import { physicalLines } from "./physical-lines.ts";
import type { Row } from "./row.ts";

/** Four times the largest job. */
const LONGEST_LINE_BYTES = 1024 * 1024;

/**
 * Reads a `.csv` or `.jsonl` file, or such a file compressed (`.csv.gz`), row by row with bounded memory. UTF-8, with or without BOM; LF or CRLF; blank lines
 * are skipped; line numbers are physical ones, also after quoted line breaks.
 * @throws InvalidInputError when the file as a whole is no use: missing, a folder, of another kind, without a header
 */
export async function* readRows(path: string, columns: Columns = JOB_COLUMNS): AsyncGenerator<Row> {
  await checkFile(path);
  const file = await open(path).catch((error: unknown) =>
    refuse(path, describeFileError(error), "a file that can be read"),
  );
  try {
    const bytes = file.createReadStream({ autoClose: false });
    const content = isCompressed(path) ? uncompressed(bytes, path) : bytes;
    const lines = physicalLines(content, { path, longestLineBytes: LONGEST_LINE_BYTES });
    yield* kindOf(path) === ".csv" ? csvRows(lines, path, columns) : jsonRows(lines, path);
  } finally {
    await file.close();
  }
}

function isCompressed(path: string): boolean {
  return extname(path).toLowerCase() === ".gz";
}

/** `.csv`, also of `x.csv.gz`. */
function kindOf(path: string): string {
  return extname(isCompressed(path) ? path.slice(0, -".gz".length) : path).toLowerCase();
}

async function* uncompressed(bytes: Readable, path: string): AsyncGenerator<Buffer> {
  try {
    yield* bytes.pipe(createGunzip()) as AsyncIterable<Buffer>;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "Z_BUF_ERROR") refuse(path, "a gzip file that breaks off", "a whole one");
    if (code === "Z_DATA_ERROR") refuse(path, "something that is no gzip file, or a damaged one", "a gzip file");
    throw error;
  }
}

async function checkFile(path: string): Promise<void> {
  if (![".csv", ".jsonl", ".ndjson"].includes(kindOf(path)))
    refuse(path, `a file named ${basename(path)}`, "*.csv or *.jsonl, or one of them as *.gz");
  const stats = await stat(path).catch((error: unknown) => refuse(path, describeFileError(error), "a file"));
  if (!stats.isFile()) refuse(path, stats.isDirectory() ? "a folder" : "no regular file", "a file");
  if (stats.size === 0) refuse(path, "0 rows", "at least one row");
}

function refuse(path: string, got: string, expected: string): never {
  throw new InvalidInputError([{ source: path, path: "", got, expected }]);
}

function describeFileError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "nothing: it does not exist";
  if (code === "EACCES" || code === "EPERM") return "no permission to read it";
  return `an error: ${String(code ?? error)}`;
}
