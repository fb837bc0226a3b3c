import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** The table of docs/reliability.md has every fault once, and names the file in which tests begin with its number. */

const DOCS = join(import.meta.dirname, "../../docs");
const FAULTS = 37;

const rows = readFileSync(join(DOCS, "reliability.md"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, number, file] = /^\| (\d+) +\|.*\]\((\.\.\/test\/faults\/[\w-]+\.test\.ts)\) *\|$/.exec(line) ?? [];
    return number === undefined || file === undefined ? [] : [{ number: Number(number), file }];
  });

it("every fault has its row", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: FAULTS }, (_, index) => index + 1));
});

it.each(rows)("fault $number is tested in $file", ({ number, file }) => {
  const source = readFileSync(join(DOCS, file), "utf8");
  expect(source).toMatch(new RegExp(`["\`]fault ${number}: |fault: "${number}: `));
});
