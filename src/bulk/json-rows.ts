import { describeValue, isRecord } from "../platform/field-fault.ts";
import { parseJsonDocument } from "../platform/json-document.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import type { PhysicalLine } from "./physical-lines.ts";
import type { Row } from "./row.ts";

/** Rows of a JSONL file: an object a line. Blank lines are skipped. */
export async function* jsonRows(lines: AsyncIterable<PhysicalLine>, path: string): AsyncGenerator<Row> {
  for await (const { number, text } of lines) {
    if (text.trim() !== "") yield parseJsonRow(text, number, path);
  }
}

function parseJsonRow(text: string, line: number, source: string): Row {
  const at = { source, line, path: "" };
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return { line, fields: value };
    return { line, problem: { ...at, got: describeValue(value), expected: "one JSON object a line" } };
  } catch {
    return { line, problem: { ...at, ...explainJson(text) } };
  }
}

/** Without showing any of the text, which may hold a key. */
function explainJson(text: string): Pick<Problem, "got" | "expected"> {
  try {
    parseJsonDocument("", text);
    return { got: "JSON with comments or trailing commas", expected: "one strict JSON object a line" };
  } catch (error) {
    const [first] = error instanceof InvalidInputError ? error.problems : [];
    if (first === undefined) throw error;
    return { got: `broken JSON (${first.got.replace(/file$/, "line")})`, expected: first.expected };
  }
}
