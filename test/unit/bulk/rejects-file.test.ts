import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rejectsFile } from "../../../src/bulk/rejects-file.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const PROBLEM = { source: "t.csv", line: 3, path: "agent", got: '"nobody"', expected: "one of ada, orbit" };

it("rejected rows are kept with their line and what is wrong, one a line", async () => {
  await using folder = await makeTempFolder();
  const path = join(folder.path, "rejects.jsonl");
  await writeFile(path, "of an earlier run\n");
  {
    using rejects = rejectsFile(path);
    rejects.write({
      is: "invalid",
      isRepeat: false,
      row: { line: 3, fields: { agent: "nobody" } },
      problems: [PROBLEM, PROBLEM],
    });
    rejects.write({ is: "invalid", isRepeat: false, row: { line: 4, problem: PROBLEM }, problems: [PROBLEM] });
  }
  const problem = 't.csv:3 agent: got "nobody"; expected one of ada, orbit';
  expect(await readFile(path, "utf8")).toBe(
    [
      { line: 3, problems: [problem, problem], row: { agent: "nobody" } },
      { line: 4, problems: [problem], row: null },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
});

it("there is no file when nothing is rejected", async () => {
  await using folder = await makeTempFolder();
  const path = join(folder.path, "rejects.jsonl");
  rejectsFile(path)[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});
