import { CsvError, parse } from "csv-parse/sync";
import { describeValue, formatPath } from "../platform/field-fault.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import { JOB_COLUMNS, type Columns } from "./columns.ts";
import type { PhysicalLine } from "./physical-lines.ts";
import type { Row } from "./row.ts";

/** Four times the largest job: a quote that is never closed must not fill the memory. */
const LONGEST_ROW_CHARACTERS = 1024 * 1024;

/** The text of one row, which spans several lines where a quoted cell has line breaks. */
interface CsvRecord {
  readonly line: number;
  readonly text: string;
  /** The last row of the file, and a quote in it is still open. */
  readonly isOpen: boolean;
}

/**
 * Rows of a CSV file with a header. Blank lines, and rows whose cells are all empty, are skipped.
 * @throws InvalidInputError when the header is no use
 */
export async function* csvRows(
  lines: AsyncIterable<PhysicalLine>,
  path: string,
  columns: Columns = JOB_COLUMNS,
): AsyncGenerator<Row> {
  let header: readonly string[] | undefined;
  for await (const [record, cells] of parsedRecords(lines, path)) {
    if (!Array.isArray(cells)) {
      if (header === undefined) throw new InvalidInputError([cells]);
      yield { line: record.line, problem: cells };
    } else if (cells.some((cell) => cell.trim() !== "")) {
      if (header === undefined) header = checkHeader(cells, { columns, line: record.line, path });
      else yield rowOf(cells, record.line, { header, path });
    }
  }
}

/** The parser takes 20 µs to start: it is given many rows at once. */
const RECORDS_AT_ONCE = 200;

type ParsedRecord = readonly [record: CsvRecord, cells: string[] | Problem];

async function* parsedRecords(lines: AsyncIterable<PhysicalLine>, path: string): AsyncGenerator<ParsedRecord> {
  let records: CsvRecord[] = [];
  for await (const record of csvRecords(lines, path)) {
    records.push(record);
    if (records.length < RECORDS_AT_ONCE) continue;
    yield* parseRecords(records, path);
    records = [];
  }
  yield* parseRecords(records, path);
}

/** One by one when something is wrong with one of them, to tell which. */
function parseRecords(records: readonly CsvRecord[], path: string): ParsedRecord[] {
  const all = records.some(({ isOpen }) => isOpen) ? null : parseTogether(records);
  return records.map((record, index): ParsedRecord => {
    const cells = all?.[index] ?? (record.isOpen ? openQuote(record, path) : parseCells(record, path));
    return [record, cells];
  });
}

function parseTogether(records: readonly CsvRecord[]): string[][] | null {
  try {
    const text = records.map((record) => record.text).join("\n");
    const all = parse(text, { record_delimiter: "\n", relax_column_count: true, skip_empty_lines: false });
    return all.length === records.length ? all : null;
  } catch (error) {
    if (error instanceof CsvError) return null;
    throw error;
  }
}

/**
 * Puts the lines of each row together: a row is complete when its quotes are even in number, because a quote inside a
 * quoted cell is doubled.
 */
async function* csvRecords(lines: AsyncIterable<PhysicalLine>, path: string): AsyncGenerator<CsvRecord> {
  let open: { line: number; text: string } | undefined;
  for await (const { number, text, lineBreak } of lines) {
    const isOdd = text.split('"').length % 2 === 0;
    const record = { line: open?.line ?? number, text: open === undefined ? text : open.text + text };
    if (isOdd === (open !== undefined)) {
      open = undefined;
      yield { ...record, isOpen: false };
      continue;
    }
    open = { ...record, text: record.text + lineBreak };
    if (open.text.length > LONGEST_ROW_CHARACTERS) throw new InvalidInputError([openQuote(open, path)]);
  }
  if (open !== undefined) yield { ...open, isOpen: true };
}

function openQuote({ line }: { line: number }, path: string): Problem {
  return { source: path, line, path: "", got: "a quote that is never closed", expected: QUOTING };
}

const QUOTING = 'cells with quotes in them written as "say ""hi"""';

function parseCells({ line, text }: CsvRecord, path: string): string[] | Problem {
  // Most rows have no quotes, and the parser takes 20 µs to start.
  if (!text.includes('"')) return text.split(",");
  try {
    const [cells = []] = parse(text);
    return cells;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { source: path, line, path: "", got: describe(error), expected: QUOTING };
  }
}

/** The parser's own messages quote the cell, which may be anything. */
function describe({ code }: CsvError): string {
  switch (code) {
    case "CSV_INVALID_CLOSING_QUOTE":
      return "text after a closing quote";
    case "INVALID_OPENING_QUOTE":
      return "a quote in the middle of a cell";
    default:
      return "a row that is no CSV";
  }
}

interface CsvFile {
  readonly header: readonly string[];
  readonly path: string;
}

function rowOf(cells: readonly string[], line: number, { header, path }: CsvFile): Row {
  if (cells.length === header.length) {
    return { line, fields: Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ""])) };
  }
  const missing = header[cells.length];
  const problem: Problem = {
    source: path,
    line,
    path: missing === undefined ? `column ${header.length + 1}` : formatPath([missing]),
    got: `a row with ${cells.length === 1 ? "1 cell" : `${cells.length} cells`}`,
    expected: `${header.length}, as the header has (text with a comma in it needs quotes around it)`,
  };
  return { line, problem };
}

interface HeaderPlace {
  readonly columns: Columns;
  readonly line: number;
  readonly path: string;
}

function checkHeader(cells: readonly string[], place: HeaderPlace): readonly string[] {
  const { columns, line, path } = place;
  const header = cells.map((name) => name.trim());
  const problems = header.flatMap((name, index): Problem[] => {
    const at = { source: path, line, path: `column ${index + 1}` };
    if (name === "") return [{ ...at, got: "no name", expected: "a name in the header for every column" }];
    const first = header.indexOf(name) + 1;
    if (first <= index)
      return [
        { ...at, got: `${describeValue(name)}, which column ${first} is named too`, expected: "every column once" },
      ];
    const known = columns.known.find((column) => column === name.toLowerCase());
    return known === undefined || known === name ? [] : [{ ...at, got: showValue(name), expected: known }];
  });
  if (problems.length > 0) throw new InvalidInputError(problems);
  if (!header.some((name) => columns.known.includes(name))) throw new InvalidInputError([unknownHeader(header, place)]);
  const missing = columns.required.filter((name) => !header.includes(name));
  if (missing.length === 0) return header;
  throw new InvalidInputError(
    missing.map((name) => ({ source: path, line, path: name, got: "no such column", expected: "one in the header" })),
  );
}

function unknownHeader(header: readonly string[], { columns, line, path }: HeaderPlace): Problem {
  const separator = [";", "\t"].find((character) => header.join("").includes(character));
  const got =
    separator === undefined ? "a first line without any known column" : `cells separated by ${showValue(separator)}`;
  const names = `a header with at least one of ${columns.known.join(", ")}`;
  return { source: path, line, path: "", got, expected: separator === undefined ? names : `commas, and ${names}` };
}
