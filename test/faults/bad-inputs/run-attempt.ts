import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { format, stripVTControlCharacters } from "node:util";
import { runProgram } from "../../../src/cli/program.ts";
import { createProducer, type JobInput } from "../../../src/index.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import type { Attempt, Files, HttpAttempt, LibraryAttempt, ProgramAttempt } from "./matrix-types.ts";

/** What came of an attempt. */
export interface Outcome {
  readonly ends: number | string;
  /** Lines that tell what is wrong, without the mark that says so. */
  readonly errors: readonly string[];
  /** All that was said. */
  readonly output: string;
}

/** Where attempts are made. */
export interface Place {
  readonly redisUrl: string;
  readonly namespace: string;
  /** A running monitor that serves `mia`, an agent without a key. */
  readonly monitorUrl: string;
}

export async function runAttempt(attempt: Attempt, place: Place): Promise<Outcome> {
  switch (attempt.by) {
    case "program":
      return await runInFolder(attempt, place);
    case "library":
      return await useLibrary(attempt, place);
    case "http":
      return await sendRequest(attempt, place);
  }
}

/** The program itself, without a process of its own: all but `main.ts` is the same. */
async function runInFolder(attempt: ProgramAttempt, place: Place): Promise<Outcome> {
  const { args, env = {}, files = {}, leaves } = attempt;
  await using folder = await makeTempFolder();
  await writeFiles(folder.path, files);
  const { redisUrl, namespace } = place;
  using process = inFolder(folder.path, { REDIS_URL: redisUrl, PUPPET_ENGINE_NAMESPACE: namespace, ...env });
  const ends = await runProgram(args);
  const left = leaves === undefined ? "" : await readFile(join(folder.path, leaves), "utf8");
  const output = `${process.output()}${left}`.replaceAll(`${folder.path}/`, "");
  // The brackets are commander's: what was meant, and where to read more.
  const errors = output.split("\n").filter((line) => /^error: |^\((?:Did|add) /.test(line));
  return { ends, output, errors: errors.map((line) => line.replace(/^error: /, "")) };
}

async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(content === null ? path : dirname(path), { recursive: true });
    if (content !== null) await writeFile(path, content);
  }
}

/** Makes this process one that runs in `folder`, with nothing but `env` of the environment, and reads what it prints. */
function inFolder(folder: string, env: Readonly<Record<string, string>>): Disposable & { output(): string } {
  const before = { folder: process.cwd(), env: process.env, log: console.log, error: console.error };
  const { stdout, stderr } = process;
  const write = { stdout: stdout.write, stderr: stderr.write };
  let output = "";
  const take = (chunk: unknown): boolean => ((output += String(chunk)), true);
  const takeLine = (...parts: unknown[]): void => void take(`${format(...parts)}\n`);
  process.chdir(folder);
  process.env = { PATH: before.env["PATH"], NO_COLOR: "1", ...env };
  Object.assign(console, { log: takeLine, error: takeLine });
  stdout.write = take;
  stderr.write = take;
  return {
    output: () => stripVTControlCharacters(output),
    [Symbol.dispose]() {
      process.chdir(before.folder);
      process.env = before.env;
      Object.assign(console, { log: before.log, error: before.error });
      stdout.write = write.stdout;
      stderr.write = write.stderr;
    },
  };
}

/** As programs do: what the package exports, in a folder with a configuration of its own. */
async function useLibrary({ agents, redisUrl, jobs = [] }: LibraryAttempt, place: Place): Promise<Outcome> {
  await using folder = await makeTempFolder();
  using _process = inFolder(folder.path, {});
  const { namespace } = place;
  try {
    await using producer = await createProducer({
      ...{ namespace, redisUrl: redisUrl ?? place.redisUrl },
      ...(agents === undefined ? {} : { agents }),
    });
    const said: string[] = [];
    for (const job of jobs) {
      const { id, status, lane } = await producer.enqueue(job as JobInput);
      said.push(`${id} ${status} in lane ${lane}`);
    }
    return { ends: "accepted", output: said.join("\n"), errors: [] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ends: error.name, output: error.message, errors: error.message.split("\n") };
  }
}

async function sendRequest({ line, headers, body }: HttpAttempt, { monitorUrl }: Place): Promise<Outcome> {
  const [method = "", path = ""] = line.split(" ");
  const { hostname, port } = new URL(monitorUrl);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const sent = request({ hostname, port, path, method, headers: { ...type, ...headers }, agent: false });
  // A body that is too large is not read to its end.
  sent.on("error", () => undefined).end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const output = await text(response);
  const ends = response.statusCode ?? 0;
  if (ends < 400) return { ends, output, errors: [] };
  return { ends, output, errors: (JSON.parse(output) as { error: string }).error.split("\n") };
}
