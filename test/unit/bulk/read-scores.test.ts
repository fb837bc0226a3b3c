import { expect, it } from "vitest";
import { checkScores, readScores } from "../../../src/bulk/read-scores.ts";
import { InvalidInputError, formatProblem } from "../../../src/platform/problem.ts";
import { inputFile } from "./input-file.ts";

const SCORE = "expected a number from 0 (bad) to 1 (good), up or down";

/** `line id score` of each row, or what is wrong with it. */
async function read(name: string, content: string): Promise<string[]> {
  await using file = await inputFile(name, content);
  const rows: string[] = [];
  for await (const row of readScores(file.path)) {
    if (row.is === "score") rows.push(`${row.line} ${row.scored.id} ${row.scored.score}`);
    else rows.push(...row.problems.map(formatProblem));
  }
  return rows.map((row) => row.replaceAll(file.path, name));
}

/** How many rows would be left out, or the error, its class first. */
async function check(name: string, content: string, skips = false): Promise<number | string[]> {
  await using file = await inputFile(name, content);
  try {
    return (await checkScores(file.path, { skipInvalid: skips })).rows;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return [error.name, ...error.message.replaceAll(file.path, name).split("\n")];
  }
}

it("reads CSV with columns in any order, and further ones", async () => {
  expect(await read("s.csv", 'likes,score,id\n9,0.9,a\n\n"1,000",up,b\n0,down,c\n')).toEqual([
    "2 a 0.9",
    "4 b 1",
    "5 c 0",
  ]);
});

it("reads JSONL", async () => {
  expect(await read("s.jsonl", '{"id":"a","score":0.25,"likes":3}\n{"score":"up","id":7}')).toEqual([
    "1 a 0.25",
    "2 7 1",
  ]);
});

it("tells all that is wrong with every row, by file and line, and throws it where nothing may be skipped", async () => {
  const content = "id,score\na,80\n,0.5\nb,0.5\nc\nd,\n";
  const id = "expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991";
  const problems = [
    `s.csv:2 score: got "80"; ${SCORE}`,
    `s.csv:3 id: got ""; ${id}`,
    "s.csv:5 score: got a row with 1 cell; expected 2, as the header has (text with a comma in it needs quotes around it)",
    `s.csv:6 score: got ""; ${SCORE}`,
  ];
  expect(await read("s.csv", content)).toEqual([...problems.slice(0, 2), "4 b 0.5", ...problems.slice(2)]);
  expect(await check("s.csv", content)).toEqual(["InvalidRowsError", ...problems]);
  expect(await check("s.csv", content, true), "rows left out").toBe(4);
  expect(await check("s.csv", "id,score\na,80\n", true), "nothing is left").toEqual(["InvalidRowsError", problems[0]]);
});

it.each([
  ["id,points\na,1\n", "s.csv:1 score: got no such column; expected one in the header"],
  ["score\n1\n", "s.csv:1 id: got no such column; expected one in the header"],
  ["id,Score\na,1\n", 's.csv:1 column 2: got "Score"; expected score'],
  ["a,0.5\n", "s.csv:1: got a first line without any known column; expected a header with at least one of id, score"],
  [
    "id;score\na;1\n",
    's.csv:1: got cells separated by ";"; expected commas, and a header with at least one of id, score',
  ],
  ["id,score\n", "s.csv: got 0 rows; expected at least one row"],
])("refuses the file %j", async (content, message) => {
  expect(await check("s.csv", content)).toEqual(["InvalidInputError", message]);
});
