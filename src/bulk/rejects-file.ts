import { closeSync, openSync, writeSync } from "node:fs";
import { formatProblem } from "../platform/problem.ts";
import { scrub } from "../platform/secrets.ts";
import type { InvalidRow } from "./check-input.ts";

/** Where rows go that are no jobs. Each line: `{"line","problems","row"}`, the row as it was read, but for secrets. */
export interface RejectsFile extends Disposable {
  readonly write: (row: InvalidRow) => void;
}

/** The file is made when the first row is rejected; an older one of that name is replaced. */
export function rejectsFile(path: string): RejectsFile {
  let file: number | undefined;
  return {
    write({ row, problems }) {
      file ??= openSync(path, "w");
      const line = { line: row.line, problems: problems.map(formatProblem), row: "fields" in row ? row.fields : null };
      writeSync(file, `${scrub(JSON.stringify(line))}\n`);
    },
    [Symbol.dispose]() {
      if (file !== undefined) closeSync(file);
    },
  };
}
