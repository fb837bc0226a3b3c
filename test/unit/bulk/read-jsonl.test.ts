import { describe, expect, it } from "vitest";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { readRows } from "../../../src/bulk/read-rows.ts";
import { rowsOf } from "./input-file.ts";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const jsonl = async (content: string | Buffer): Promise<string[]> => await rowsOf("t.jsonl", content);

describe("a JSONL file works", () => {
  it.each([
    ["as it should be", '{"a":1}\n{"b":2}\n'],
    ["without a final line break", '{"a":1}\n{"b":2}'],
    ["with CRLF", '{"a":1}\r\n{"b":2}\r\n'],
    ["with a byte order mark", '\uFEFF{"a":1}\n{"b":2}\n'],
    ["with white space around objects", '  {"a":1}\t\n {"b":2} \n'],
  ])("%s", async (_, content) => {
    expect(await jsonl(content)).toEqual(['1: {"a":1}', '2: {"b":2}']);
  });

  it("with blank lines", async () => {
    expect(await jsonl('\n{"a":1}\n\n  \n{"b":2}\n\n')).toEqual(['2: {"a":1}', '5: {"b":2}']);
  });

  it("with separators inside a text that other programs take for line breaks", async () => {
    expect(await jsonl('{"a":"x\u2028y\u2029z\u0085"}\n{"b":2}\n')).toEqual([
      '1: {"a":"x\u2028y\u2029z\u0085"}',
      '2: {"b":2}',
    ]);
  });

  it("with bidi controls and joined emoji, byte for byte", async () => {
    const text = "\u202eabc\u2066 👩‍👩‍👧‍👦 مرحبا";
    expect(await jsonl(`${JSON.stringify({ text })}\n`)).toEqual([`1: ${JSON.stringify({ text })}`]);
  });

  it("under the name .ndjson, in any case", async () => {
    expect(await rowsOf("T.NDJSON", '{"a":1}')).toEqual(['1: {"a":1}']);
  });
});

describe("a JSONL file is refused", () => {
  it("line by line, each with the reason, and without showing what it holds", async () => {
    const lines = [
      '{"a":1}',
      '{"a": "sk-abcdefghijklmnop1234567890", ',
      "[1, 2]",
      '"sk-abcdefghijklmnop1234567890"',
      "null",
      "42",
      "{bad}",
      "{'a': 1}",
      '{"a": 1} {"b": 2}',
      '{"a": "unfinished',
      '{"a": 1,}',
      '{"a": 1} // a comment',
      '{"b":2}',
    ];
    expect(await jsonl(lines.join("\n"))).toEqual([
      '1: {"a":1}',
      '2! t.jsonl:2: got broken JSON (the end of the line); expected a field name in quotation marks, or "}"',
      "3! t.jsonl:3: got a list; expected one JSON object a line",
      "4! t.jsonl:4: got what looks like a key (not shown); expected one JSON object a line",
      "5! t.jsonl:5: got null; expected one JSON object a line",
      "6! t.jsonl:6: got 42; expected one JSON object a line",
      "7! t.jsonl:7: got broken JSON (bad); expected a JSON value: an object, a list, a string in quotation marks, a number, true, false or null",
      "8! t.jsonl:8: got broken JSON (an unknown word); expected a JSON value: an object, a list, a string in quotation marks, a number, true, false or null",
      "9! t.jsonl:9: got broken JSON ({); expected nothing after the first value",
      "10! t.jsonl:10: got broken JSON (a string); expected a closing quotation mark on the same line",
      "11! t.jsonl:11: got JSON with comments or trailing commas; expected one strict JSON object a line",
      "12! t.jsonl:12: got JSON with comments or trailing commas; expected one strict JSON object a line",
      '13: {"b":2}',
    ]);
  });

  it("when it is not UTF-8, with the line", async () => {
    expect(await jsonl(Buffer.from('{"a":1}\n{"a":"\xe9"}\n', "latin1"))).toEqual([
      "t.jsonl:2: got bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character 7; expected a file saved as UTF-8",
    ]);
  });
});

describe("what is no input file is refused", () => {
  async function refusal(path: string): Promise<string> {
    try {
      for await (const row of readRows(path)) return `accepted with ${JSON.stringify(row)}`;
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  }

  it("by its name", async () => {
    expect(await refusal("jobs.txt")).toBe(
      "jobs.txt: got a file named jobs.txt; expected *.csv or *.jsonl, or one of them as *.gz",
    );
    expect(await refusal("out/jobs")).toBe(
      "out/jobs: got a file named jobs; expected *.csv or *.jsonl, or one of them as *.gz",
    );
    expect(await refusal("jobs.json")).toBe(
      "jobs.json: got a file named jobs.json; expected *.csv or *.jsonl, or one of them as *.gz",
    );
  });

  it("when it does not exist, is a folder or no file at all", async () => {
    await using folder = await makeTempFolder();
    const missing = join(folder.path, "missing.csv");
    expect(await refusal(missing)).toBe(`${missing}: got nothing: it does not exist; expected a file`);
    const inside = join(folder.path, "folder.csv");
    await mkdir(inside);
    expect(await refusal(inside)).toBe(`${inside}: got a folder; expected a file`);
    expect(await rowsOf("empty.csv", "")).toEqual(["empty.csv: got 0 rows; expected at least one row"]);
    expect(await rowsOf("empty.jsonl", "")).toEqual(["empty.jsonl: got 0 rows; expected at least one row"]);
  });
});
