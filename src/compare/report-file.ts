import { randomBytes } from "node:crypto";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InvalidInputError } from "../platform/problem.ts";

/**
 * Looks at where a report is to go, before anything is paid for.
 * @throws InvalidInputError when it could not be written, or would replace a file without `force`
 */
export async function checkReportFile(path: string, { force }: { force: boolean }): Promise<void> {
  const folder = await stat(dirname(resolve(path))).catch(() => null);
  if (folder?.isDirectory() !== true) refuse(path, "a folder that does not exist", "one that does");
  const existing = await stat(path).catch(() => null);
  if (existing?.isDirectory() === true) refuse(path, "a folder", "a file");
  if (existing !== null && !force) refuse(path, "a file that exists", "a new file, or --force to replace it");
}

function refuse(path: string, got: string, expected: string): never {
  throw new InvalidInputError([{ source: path, path: "", got, expected }]);
}

/** Whole or not at all: a reader of `path` never sees half a report. */
export async function writeReportFile(path: string, page: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    await writeFile(temporary, page, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
