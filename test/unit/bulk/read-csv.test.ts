import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRows } from "../../../src/bulk/csv-rows.ts";
import { physicalLines } from "../../../src/bulk/physical-lines.ts";
import type { Row } from "../../../src/bulk/row.ts";
import { rowsOf } from "./input-file.ts";

const NAMES =
  "id, kind, agent, urgency, deadline, delivery, cache, mention, conversation_history, quoted, author, posts, prompt, topic, mood, recent_events, audience, style";
const QUOTING = 'expected cells with quotes in them written as "say ""hi"""';

const csv = async (content: string | Buffer): Promise<string[]> => await rowsOf("t.csv", content);

describe("a CSV file works", () => {
  it.each([
    ["as it should be", "id,topic\n1,tea\n2,fog\n"],
    ["without a final line break", "id,topic\n1,tea\n2,fog"],
    ["with CRLF", "id,topic\r\n1,tea\r\n2,fog\r\n"],
    ["with the line breaks of old Macs", "id,topic\r1,tea\r2,fog\r"],
    ["with mixed line breaks", "id,topic\r\n1,tea\n2,fog\r"],
    ["with a byte order mark", "\uFEFFid,topic\n1,tea\n2,fog\n"],
    ["with a byte order mark before a quote", '\uFEFF"id","topic"\n1,tea\n2,fog\n'],
    ["with white space around names", " id , topic \n1,tea\n2,fog\n"],
    ["with everything in quotes", '"id","topic"\n"1","tea"\n"2","fog"\n'],
  ])("%s", async (_, content) => {
    expect(await csv(content)).toEqual(['2: {"id":"1","topic":"tea"}', '3: {"id":"2","topic":"fog"}']);
  });

  it("with blank lines and empty rows, as spreadsheets leave them behind", async () => {
    expect(await csv("\n\nid,topic\n\n  \n1,tea\n,\n , \n\n2,fog\n,\n\n")).toEqual([
      '6: {"id":"1","topic":"tea"}',
      '10: {"id":"2","topic":"fog"}',
    ]);
  });

  it("with commas, quotes and line breaks inside quotes; lines are counted as an editor does", async () => {
    const content = 'id,topic\n1,"a, b"\n2,"say ""hi"""\n3,"one\ntwo\n\nfour"\n4,"\n"\n5,""\n6,end';
    expect(await csv(content)).toEqual([
      '2: {"id":"1","topic":"a, b"}',
      '3: {"id":"2","topic":"say \\"hi\\""}',
      '4: {"id":"3","topic":"one\\ntwo\\n\\nfour"}',
      '8: {"id":"4","topic":"\\n"}',
      '10: {"id":"5","topic":""}',
      '11: {"id":"6","topic":"end"}',
    ]);
  });

  it("with CRLF inside and outside of quotes, which each count once and are kept", async () => {
    expect(await csv('id,topic\r\n1,"a\r\nb"\r\n\r\n2,"c\rd\ne"\r\n3,f\r\n')).toEqual([
      '2: {"id":"1","topic":"a\\r\\nb"}',
      '5: {"id":"2","topic":"c\\rd\\ne"}',
      '8: {"id":"3","topic":"f"}',
    ]);
  });

  it("with line breaks in the header", async () => {
    expect(await csv('id,"the\ntopic"\n1,tea\n')).toEqual(['3: {"id":"1","the\\ntopic":"tea"}']);
  });

  it("with cells that a spreadsheet would take for formulas, and white space, untouched", async () => {
    expect(await csv("id,topic\n1,=cmd|'/c calc'!A1\n2,  +1 \n3,\u202eabc\u200d\n")).toEqual([
      `2: {"id":"1","topic":"=cmd|'/c calc'!A1"}`,
      '3: {"id":"2","topic":"  +1 "}',
      '4: {"id":"3","topic":"\u202eabc\u200d"}',
    ]);
  });

  it("with reserved names as columns, which are for the job's check to refuse", async () => {
    expect(await csv("id,__proto__\n1,x\n")).toEqual(['2: {"id":"1","__proto__":"x"}']);
  });

  it("with a header and nothing else, which has no rows", async () => {
    expect(await csv("id,topic\n")).toEqual([]);
    expect(await csv("id,topic")).toEqual([]);
    expect(await csv("\uFEFF")).toEqual([]);
    expect(await csv("\n\n")).toEqual([]);
  });
});

describe("a CSV file is refused", () => {
  it.each([
    [
      "has no header",
      "ada,looms\nada,fog\n",
      `t.csv:1: got a first line without any known column; expected a header with at least one of ${NAMES}`,
    ],
    [
      "has its header further down",
      "\nmy topics\n",
      `t.csv:2: got a first line without any known column; expected a header with at least one of ${NAMES}`,
    ],
    [
      "is separated by semicolons",
      "id;topic\n1;tea\n",
      `t.csv:1: got cells separated by ";"; expected commas, and a header with at least one of ${NAMES}`,
    ],
    [
      "is separated by tabs",
      "id\ttopic\n1\ttea\n",
      `t.csv:1: got cells separated by "\\t"; expected commas, and a header with at least one of ${NAMES}`,
    ],
    [
      "names a column twice",
      "id,topic,id\n",
      't.csv:1 column 3: got "id", which column 1 is named too; expected every column once',
    ],
    ["names a known column in other case", "id,Topic\n", 't.csv:1 column 2: got "Topic"; expected topic'],
    [
      "leaves columns without a name",
      "id,,topic,\n",
      "t.csv:1 column 2: got no name; expected a name in the header for every column\nt.csv:1 column 4: got no name; expected a name in the header for every column",
    ],
    [
      "has a quote in its header that is never closed",
      'id,"topic\n1,tea\n',
      `t.csv:1: got a quote that is never closed; ${QUOTING}`,
    ],
    [
      "is Latin-1",
      Buffer.from("id,topic\n1,tea\n2,caf\xe9\n3,fog\n", "latin1"),
      "t.csv:3: got bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character 6; expected a file saved as UTF-8",
    ],
    [
      "ends within a character",
      Buffer.concat([Buffer.from("id,topic\n1,"), Buffer.from("é").subarray(0, 1)]),
      "t.csv:2: got bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character 3; expected a file saved as UTF-8",
    ],
    [
      "is UTF-16",
      Buffer.from("\uFEFFid,topic\n1,tea\n", "utf16le"),
      "t.csv:1: got UTF-16; expected a file saved as UTF-8",
    ],
    [
      "is no text",
      Buffer.alloc(1024 * 1024 + 65_536, "x"),
      "t.csv:1: got a line of more than 1048576 bytes; expected a text file with one row a line",
    ],
  ])("that %s", async (_, content, message) => {
    expect((await csv(content)).at(-1)).toBe(message);
  });

  it("row by row for what is wrong in single rows, each with its line", async () => {
    const content = 'id,topic,mood\n1,tea\n2,"two\nlines",calm,extra,\n3,ok,fine\n4,a"b",c\n5,"a"b,c\n6\n7,ok,fine\n';
    const ragged = "3, as the header has (text with a comma in it needs quotes around it)";
    expect(await csv(content)).toEqual([
      `2! t.csv:2 mood: got a row with 2 cells; expected ${ragged}`,
      `3! t.csv:3 column 4: got a row with 5 cells; expected ${ragged}`,
      '5: {"id":"3","topic":"ok","mood":"fine"}',
      `6! t.csv:6: got a quote in the middle of a cell; ${QUOTING}`,
      `7! t.csv:7: got text after a closing quote; ${QUOTING}`,
      `8! t.csv:8 topic: got a row with 1 cell; expected ${ragged}`,
      '9: {"id":"7","topic":"ok","mood":"fine"}',
    ]);
  });

  it("with the line of a quote that is never closed", async () => {
    expect(await csv('id,topic\n1,tea\n2,"fog\n3,rain\n4,snow\n')).toEqual([
      '2: {"id":"1","topic":"tea"}',
      `3! t.csv:3: got a quote that is never closed; ${QUOTING}`,
    ]);
  });

  it("when a quote that is never closed would swallow a large file", async () => {
    const rows = await csv(`id,topic\n1,"tea\n${"2,fog\n".repeat(200_000)}`);
    expect(rows).toEqual([`t.csv:2: got a quote that is never closed; ${QUOTING}`]);
  });
});

describe("whatever the cells are", () => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", "\r\n", " ", "é", "\uFEFF", "\u2028", "=") }),
    fc.string({ unit: "grapheme" }),
  );
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }));
  const lineBreak = fc.constantFrom("\n", "\r\n", "\r");

  const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  /** In chunks of some bytes, so that characters and line breaks are torn apart. */
  async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
    const bytes = Buffer.from(text);
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }

  it("each row comes back with its cells and its line, however the file is cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(table, lineBreak, fc.integer({ min: 1, max: 9 }), async (rows, end, chunk) => {
        const header = rows[0]?.map((_, index) => (index === 0 ? "id" : `c${index}`)) ?? [];
        const expected: unknown[] = [];
        let line = 2;
        const texts = rows.map((cells) => {
          const text = cells.map(quote).join(",");
          if (cells.some((value) => value.trim() !== ""))
            expected.push({ line, fields: Object.fromEntries(header.map((name, index) => [name, cells[index]])) });
          line += text.split(/\r\n|\n|\r/).length;
          return text;
        });
        // A CR at the end of an unquoted row and an LF at the start of the next would be one CRLF.
        fc.pre(!(end === "\r" && texts.some((text) => text.startsWith("\n"))));
        const content = [header.join(","), ...texts, ""].join(end);
        const file = { path: "t.csv", longestLineBytes: 1000 };
        const found: Row[] = [];
        for await (const row of csvRows(physicalLines(chunksOf(content, chunk), file), "t.csv")) found.push(row);
        expect(found).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
