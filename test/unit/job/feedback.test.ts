import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkScore, parseScoredJob, scoreOfThousandths, thousandthsOf } from "../../../src/job/feedback.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";

const RANGE = "a number from 0 (bad) to 1 (good)";

function refusalOf(check: () => unknown): string {
  try {
    return `accepted: ${JSON.stringify(check())}`;
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message;
    throw error;
  }
}

describe("a score of a program", () => {
  it.each([0, 1, 0.5, 0.333, 1e-3])("%d is accepted", (score) => expect(checkScore(score)).toBe(score));

  it.each([
    [1 / 3, 0.333],
    [0.9996, 1],
    [1e-9, 0],
  ])("%d is kept as %d", (given, kept) => expect(thousandthsOf(checkScore(given))).toBe(kept * 1000));

  it.each([
    [1.01, "1.01"],
    [-0.1, "-0.1"],
    [100, "100"],
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    ["0.5", '"0.5"'],
    ["up", '"up"'],
    [true, "true"],
    [null, "null"],
    [undefined, "nothing"],
    [{}, "an object"],
    [[1], "a list"],
  ])("%j is refused, and named", (given, got) => {
    expect(refusalOf(() => checkScore(given))).toBe(`feedback score: got ${got}; expected ${RANGE}`);
  });
});

describe("a score as people write it", () => {
  const written = (score: unknown): unknown => parseScoredJob({ id: "a", score }, { source: "s.csv" }).score;

  it.each([
    ["0.8", 0.8],
    [" 1 ", 1],
    [".25", 0.25],
    ["1.", 1],
    ["5e-1", 0.5],
    ["+0.5", 0.5],
    ["up", 1],
    ["Down", 0],
    [0.75, 0.75],
  ])("%j is %d", (given, score) => expect(written(given)).toBe(score));

  it.each(["", " ", "0x1", "0,8", "80 %", "80", "-0", "1e1", "upp", "NaN", "Infinity", "0.5 0.5", true, null, ["1"]])(
    "%j is refused",
    (given) =>
      expect(refusalOf(() => written(given))).toMatch(
        /^s\.csv score: got .+; expected a number from 0 \(bad\) to 1 \(good\), up or down$/,
      ),
  );

  it("comes with an id as jobs have them; other fields do not matter", () => {
    const parse = (fields: unknown): string => refusalOf(() => parseScoredJob(fields, { source: "s.csv", line: 7 }));
    expect(parse({ id: 42, score: "1", likes: "7" })).toBe('accepted: {"id":"42","score":1}');
    const id = "expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991";
    const score = `expected ${RANGE}, up or down`;
    expect(parse({ id: "a:b", score: "2" })).toBe(`s.csv:7 id: got "a:b"; ${id}\ns.csv:7 score: got "2"; ${score}`);
    expect(parse({})).toBe(`s.csv:7 id: got nothing; ${id}\ns.csv:7 score: got nothing; ${score}`);
  });
});

it("thousandths are read back as they were written", () => {
  fc.assert(
    fc.property(fc.nat(1000), (thousandths) => {
      expect(thousandthsOf(scoreOfThousandths(thousandths))).toBe(thousandths);
    }),
  );
});
