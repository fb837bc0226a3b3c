import { describe, expect, it } from "vitest";
import { formatProblem, InvalidInputError, showValue } from "../../../src/platform/problem.ts";

const PROBLEM = { source: "a.csv", line: 3, path: "topic", got: '"x"', expected: "something else" };

describe("a problem", () => {
  it("reads file:line path: got X; expected Y", () => {
    expect(formatProblem(PROBLEM)).toBe('a.csv:3 topic: got "x"; expected something else');
    expect(formatProblem({ ...PROBLEM, path: "" })).toBe('a.csv:3: got "x"; expected something else');
    const { line: _, ...withoutLine } = PROBLEM;
    expect(formatProblem(withoutLine)).toBe('a.csv topic: got "x"; expected something else');
  });

  it("is one line of an error that has all of them", () => {
    const error = new InvalidInputError([PROBLEM, { ...PROBLEM, line: 4 }]);
    expect(error.message.split("\n")).toEqual([
      'a.csv:3 topic: got "x"; expected something else',
      'a.csv:4 topic: got "x"; expected something else',
    ]);
    expect([error.name, error.problems.length]).toEqual(["InvalidInputError", 2]);
  });
});

describe("a wrong value is shown", () => {
  it.each([
    ["nothing", undefined],
    ["null", null],
    ['""', ""],
    ['"a\\n\\"b\\""', 'a\n"b"'],
    ["0.5", 0.5],
    ["NaN", Number.NaN],
    ["-Infinity", -Infinity],
    ["10", 10n],
    ["true", true],
    ["a symbol", Symbol("s")],
    ["a function", () => 1],
    ["[1]", [1]],
  ])("as %s", (shown, value) => {
    expect(showValue(value)).toBe(shown);
  });

  it("on one line, without characters that deceive", () => {
    expect(showValue("a\u202eb\u2066c\u200fd\u061ce\u2028f\u0085g\u007fh")).toBe(
      '"a\\u202eb\\u2066c\\u200fd\\u061ce\\u2028f\\u0085g\\u007fh"',
    );
    expect(showValue("a\n\u001b[31mb\ud800")).toBe('"a\\n\\u001b[31mb\\ud800"');
  });

  it("cut after 60 characters, never within one", () => {
    expect(showValue("x".repeat(58))).toBe(`"${"x".repeat(58)}"`);
    expect(showValue("x".repeat(59))).toBe(`"${"x".repeat(59)}…`);
    expect(showValue(`${"x".repeat(58)}👍👍`)).toBe(`"${"x".repeat(58)}…`);
    expect(showValue(`${"x".repeat(57)}👍👍`)).toBe(`"${"x".repeat(57)}👍…`);
  });
});
