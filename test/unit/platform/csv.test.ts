import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCsv } from "../../../src/platform/csv.ts";

describe("formatCsv", () => {
  it("puts in quotation marks what needs them, and ends lines with CRLF", () => {
    expect(
      formatCsv([
        ["a", "b,c", 'd"e', "f\ng"],
        [1, 0.5, null, ""],
      ]),
    ).toBe('a,"b,c","d""e","f\ng"\r\n1,0.5,,\r\n');
    expect(formatCsv([])).toBe("");
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `=HYPERLINK("http://evil.example")`])(
    "makes no formula of %j",
    (text) => {
      const [[cell] = []]: string[][] = parse(formatCsv([[text]]));
      expect(cell).toBe(`'${text}`);
    },
  );

  it("is read back as it was, whatever it holds", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((value) => !/^[=+\-@\t\r]/.test(value));
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 2, maxLength: 2 }), { minLength: 1 }), (rows) => {
        expect(parse(formatCsv(rows), { record_delimiter: "\r\n", relax_quotes: false })).toEqual(rows);
      }),
    );
  });
});
