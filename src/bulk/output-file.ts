import { constants } from "node:fs";
import { access, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { z } from "zod";
import { InvalidInputError } from "../platform/problem.ts";
import type { OutputLine } from "./output-line.ts";

/** What a run that was interrupted needs to go on; kept beside the output until it is complete. */
export interface RunManifest {
  /** Job ids of rows without one start with it: they are the same when the run is resumed. */
  readonly runId: string;
  readonly input: string;
  readonly agent: string | null;
}

const manifestSchema: z.ZodType<RunManifest> = z.object({
  runId: z.string(),
  input: z.string(),
  agent: z.string().nullable(),
});

/** The output of a bulk run: written to `<path>.part`, renamed to `<path>` when complete. */
export interface OutputFile {
  readonly manifest: RunManifest;
  /** What an earlier part of this run has written: job id → status. */
  readonly written: ReadonlyMap<string, OutputLine["status"]>;
  write(line: OutputLine): Promise<void>;
  /** Flushes to disk; the part file stays. */
  close(): Promise<void>;
  /** Flushes, and gives the file its name. */
  complete(): Promise<void>;
}

export interface OutputOptions {
  readonly manifest: RunManifest;
  /** Go on with what an interrupted run left. */
  readonly resume: boolean;
  /** Replace an existing file. */
  readonly force: boolean;
}

/** @throws InvalidInputError when the output exists, or there is nothing to resume */
export async function openOutput(path: string, options: OutputOptions): Promise<OutputFile> {
  const part = `${path}.part`;
  const manifestPath = `${path}.run.json`;
  const refuse = (got: string, expected: string): never => {
    throw new InvalidInputError([{ source: path, path: "", got, expected }]);
  };
  const interrupted = await exists(part);
  if (options.resume && !interrupted) refuse("nothing to resume", `${part} of an interrupted run`);
  if (!options.resume && !options.force) {
    if (await exists(path)) refuse("a file that exists", "a new file, or --force to replace it");
    if (interrupted) refuse("an unfinished run", "--resume to go on with it, or --force to start anew");
  }
  const manifest = options.resume ? await readManifest(manifestPath) : options.manifest;
  const written = options.resume ? await readWritten(part) : new Map<string, OutputLine["status"]>();
  if (!options.resume) await writeFile(manifestPath, `${JSON.stringify(manifest)}\n`);
  const file = await open(part, options.resume ? "a" : "w");
  return {
    manifest,
    written,
    write: async (line) => await file.appendFile(`${JSON.stringify(line)}\n`),
    async close() {
      await file.sync();
      await file.close();
    },
    async complete() {
      await file.sync();
      await file.close();
      await rename(part, path);
      await rm(manifestPath, { force: true });
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function readManifest(path: string): Promise<RunManifest> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new InvalidInputError([
      { source: path, path: "", got: "nothing: it does not exist", expected: "the manifest of the run to resume" },
    ]);
  });
  return manifestSchema.parse(JSON.parse(text));
}

/** Reads whole lines; a last line that was cut off is dropped from the file. */
async function readWritten(path: string): Promise<Map<string, OutputLine["status"]>> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf("\n") + 1;
  if (end < bytes.length) await truncate(path, end);
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").filter(Boolean);
  return new Map(lines.map((text) => JSON.parse(text) as OutputLine).map(({ id, status }) => [id, status]));
}
