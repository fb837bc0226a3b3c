import { open, readFile, rename, rm, stat, truncate, writeFile, type FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import { IdSet } from "./id-set.ts";
import type { OutputLine } from "./output-line.ts";
import { physicalLines } from "./physical-lines.ts";

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

export interface WrittenLines {
  readonly size: number;
  readonly succeeded: number;
  has(jobId: string): boolean;
}

/** The output of a bulk run: written to `<path>.part`, renamed to `<path>` when complete. */
export interface OutputFile {
  readonly manifest: RunManifest;
  /** Where it will be when it is complete. */
  readonly path: string;
  /** What an earlier part of this run has written. */
  readonly written: WrittenLines;
  /** @throws OutputError, as do the others below */
  write(line: OutputLine): Promise<void>;
  /** What was written is on the disk. */
  sync(): Promise<void>;
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

/** What was finished could not be written: the disk is full, or gone. The part file holds what was written before. */
export class OutputError extends Error {
  override readonly name = "OutputError";

  constructor(path: string, cause: Error & { readonly code: string }) {
    const got = cause.code === "ENOSPC" ? "a disk that is full (ENOSPC)" : `a failed write (${cause.code})`;
    super(`${path}: got ${got}; expected room for the results`, { cause });
  }
}

/** A vendor's answer is cut off at 4 MB; escaped, and with its attempts, it can be a few times as long. */
const LONGEST_LINE_BYTES = 32 * 1024 * 1024;

/** @throws InvalidInputError when the output exists, cannot be written, or there is nothing to resume */
export async function openOutput(path: string, options: OutputOptions): Promise<OutputFile> {
  await checkTarget(path, options);
  const part = `${path}.part`;
  const manifestPath = `${path}.run.json`;
  const manifest = options.resume ? await readManifest(manifestPath, options.manifest) : options.manifest;
  const written = options.resume ? await readWritten(part) : NOTHING_WRITTEN;
  try {
    if (!options.resume) await writeFile(manifestPath, `${JSON.stringify(manifest)}\n`);
    const file = await open(part, options.resume ? "a" : "w");
    const guarded = guardedBy(part);
    return {
      ...{ path, manifest, written },
      write: lineWriter(file, guarded),
      sync: async () => await guarded(async () => await file.datasync()),
      close: async () => await guarded(async () => await flush(file)),
      async complete() {
        await guarded(async () => await flush(file));
        await rename(part, path);
        await rm(manifestPath, { force: true });
      },
    };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return refuse(path, `a place that cannot be written to (${error.code})`, "another file or folder");
  }
}

type Guarded = (write: () => Promise<void>) => Promise<void>;

/** @throws OutputError */
function guardedBy(part: string): Guarded {
  return async (write) => {
    try {
      await write();
    } catch (error) {
      throw isSystemError(error) ? new OutputError(part, error) : error;
    }
  };
}

/** One line after the other: a file handle does not promise to keep simultaneous writes apart. */
function lineWriter(file: FileHandle, guarded: Guarded): OutputFile["write"] {
  let last = Promise.resolve();
  return async (line) => {
    last = last.then(() => guarded(async () => await file.appendFile(`${JSON.stringify(line)}\n`)));
    await last;
  };
}

async function flush(file: FileHandle): Promise<void> {
  await file.sync();
  await file.close();
}

/** @throws InvalidInputError as `openOutput`, before anything is read or written */
export async function checkTarget(
  path: string,
  { resume, force }: Pick<OutputOptions, "resume" | "force">,
): Promise<void> {
  const part = `${path}.part`;
  const isFolder = (await kindOf(path)) === "folder";
  const isInterrupted = (await kindOf(part)) !== "nothing";
  if (isFolder) refuse(path, "a folder", "a file");
  if ((await kindOf(dirname(resolve(path)))) !== "folder")
    refuse(path, "a folder that does not exist", "one that does");
  if (resume && !isInterrupted) refuse(path, "nothing to resume", `${part}, which an interrupted run leaves behind`);
  if (resume || force) return;
  if ((await kindOf(path)) === "file") refuse(path, "a file that exists", "a new file, or --force to replace it");
  if (isInterrupted) refuse(path, "an unfinished run", "--resume to go on with it, or --force to start anew");
}

function refuse(source: string, got: string, expected: string): never {
  throw new InvalidInputError([{ source, path: "", got, expected }]);
}

async function kindOf(path: string): Promise<"nothing" | "file" | "folder"> {
  const stats = await stat(path).catch(() => null);
  if (stats === null) return "nothing";
  return stats.isDirectory() ? "folder" : "file";
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

const START_ANEW = "--force starts anew";

/** The input is another file if it was moved, but the run's ids are made from its lines. */
async function readManifest(path: string, given: RunManifest): Promise<RunManifest> {
  const expected = `the manifest of the run to resume (${START_ANEW})`;
  const text = await readFile(path, "utf8").catch(() => refuse(path, "nothing: it does not exist", expected));
  const manifest = parseManifest(text) ?? refuse(path, "something else", expected);
  if (resolve(manifest.input) !== resolve(given.input))
    refuse(
      path,
      `a run of ${showValue(manifest.input)}`,
      `the same input as now, ${showValue(given.input)} (${START_ANEW})`,
    );
  if (manifest.agent !== given.agent)
    refuse(path, `a run with ${agentFlag(manifest)}`, `the same as now, ${agentFlag(given)} (${START_ANEW})`);
  return manifest;
}

/**
 * What is known of the run that has written an output, finished or not.
 * @throws InvalidInputError when nothing is
 */
export async function readRunManifest(path: string, fallBack?: RunManifest): Promise<RunManifest> {
  const manifestPath = `${path}.run.json`;
  const text = await readFile(manifestPath, "utf8").catch(() => null);
  const manifest = text === null ? fallBack : parseManifest(text);
  return manifest ?? refuse(manifestPath, "nothing to go on with", "the manifest of an interrupted run");
}

function parseManifest(text: string): RunManifest | undefined {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function agentFlag({ agent }: RunManifest): string {
  return agent === null ? "no --agent" : `--agent ${showValue(agent)}`;
}

const writtenLine = z.object({
  id: z.string(),
  status: z.custom<OutputLine["status"]>((it) => typeof it === "string"),
});

const NOTHING_WRITTEN: WrittenLines = { size: 0, succeeded: 0, has: () => false };

/** Reads whole lines; a last line that was cut off is dropped from the file. */
async function readWritten(path: string): Promise<WrittenLines> {
  const ids = new IdSet();
  let succeeded = 0;
  const file = await open(path);
  let end = 0;
  try {
    const chunks = file.createReadStream({ autoClose: false });
    for await (const { number, text, lineBreak } of physicalLines(chunks, {
      path,
      longestLineBytes: LONGEST_LINE_BYTES,
    })) {
      if (lineBreak === "") break;
      end += Buffer.byteLength(text + lineBreak);
      const { id, status } = parseWritten(text, { path, line: number });
      ids.add(id);
      if (status === "succeeded") succeeded++;
    }
  } finally {
    await file.close();
  }
  await truncate(path, end);
  return { size: ids.size, succeeded, has: (jobId) => ids.has(jobId) };
}

function parseWritten(text: string, { path, line }: { path: string; line: number }): z.infer<typeof writtenLine> {
  try {
    return writtenLine.parse(JSON.parse(text));
  } catch {
    const expected = `the output of an interrupted run (${START_ANEW})`;
    throw new InvalidInputError([{ source: path, line, path: "", got: "a line that is no result", expected }]);
  }
}

/** Rows that are worth another try; what is held or cancelled is so because somebody wants it. */
const RETRIED: ReadonlySet<string> = new Set(["failed", "expired"]);

/**
 * Makes an interrupted run of an output, finished or not, that lacks the rows that have failed. Whenever it is killed, it
 * can be called again.
 * @returns how many rows there are to run again
 * @throws InvalidInputError when there is no output
 */
export async function dropFailedLines(path: string, manifest: RunManifest): Promise<number> {
  const part = `${path}.part`;
  const source = (await kindOf(part)) === "nothing" ? path : part;
  if ((await kindOf(source)) !== "file") refuse(path, "nothing: it does not exist", "the output of the run");
  const file = await open(source);
  const kept = await open(`${part}.new`, "w");
  let dropped = 0;
  try {
    const lines = physicalLines(file.createReadStream({ autoClose: false }), {
      ...{ path: source, longestLineBytes: LONGEST_LINE_BYTES },
    });
    for await (const { number, text, lineBreak } of lines) {
      if (lineBreak === "") break;
      if (RETRIED.has(parseWritten(text, { path: source, line: number }).status)) dropped++;
      else await kept.appendFile(`${text}\n`);
    }
    await kept.sync();
  } finally {
    await file.close();
    await kept.close();
  }
  await writeFile(`${path}.run.json`, `${JSON.stringify(manifest)}\n`);
  await rename(`${part}.new`, part);
  return dropped;
}
