import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOutput, type OutputOptions } from "../../../src/bulk/output-file.ts";
import type { OutputLine } from "../../../src/bulk/output-line.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const MANIFEST = { runId: "b0123456789", input: "topics.csv", agent: null };
const NEW: OutputOptions = { manifest: MANIFEST, resume: false, force: false };
const RESUME: OutputOptions = { manifest: { ...MANIFEST, runId: "another" }, resume: true, force: false };
const FORCE: OutputOptions = { ...NEW, force: true };

function line(id: string, status: OutputLine["status"] = "succeeded"): OutputLine {
  return { id, agent: "ada", kind: "tweet", status, costUsd: 0, attempts: [] };
}

/** The message that opening the output is refused with; the folder's name is left out. */
async function refusal(path: string, options: OutputOptions): Promise<string> {
  const message = await openOutput(path, options).then(
    async (output) => {
      await output.close();
      return "opened";
    },
    (error: unknown) => (error as Error).message,
  );
  return message.replaceAll(/\S*\/puppet-engine-test-\w+\//g, "");
}

/** A run that stopped after two results, in the middle of the third. */
async function interruptedRun(path: string): Promise<void> {
  const output = await openOutput(path, NEW);
  await output.write(line("1"));
  await output.write(line("2", "failed"));
  await output.close();
  await writeFile(`${path}.part`, '{"id":"3","status":"succ', { flag: "a" });
}

describe("an output", () => {
  it("gets its name when it is complete, and leaves nothing else behind", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    const output = await openOutput(path, NEW);
    expect(output.manifest).toEqual(MANIFEST);
    expect(output.written.size).toBe(0);
    await output.write(line("1"));
    expect(await readdir(folder.path)).toEqual(["out.jsonl.part", "out.jsonl.run.json"]);
    await output.complete();
    expect(await readdir(folder.path)).toEqual(["out.jsonl"]);
    expect(await readFile(path, "utf8")).toBe(`${JSON.stringify(line("1"))}\n`);
  });

  it("has a whole line for each result, however many are written at once", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    const output = await openOutput(path, NEW);
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    const long = "x".repeat(20_000);
    await Promise.all(ids.map((id) => output.write({ ...line(id), text: `${long}\u2028"\n` })));
    await output.complete();
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.map((text) => (JSON.parse(text) as OutputLine).id)).toEqual(ids);
  });

  it("goes on where an interrupted run stopped, without the line that was torn", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await interruptedRun(path);
    const output = await openOutput(path, RESUME);
    expect(output.manifest).toEqual(MANIFEST);
    expect(output.written).toMatchObject({ size: 2, succeeded: 1 });
    expect(["1", "2", "3"].map((id) => output.written.has(id))).toEqual([true, true, false]);
    await output.write(line("3"));
    await output.complete();
    const lines = [line("1"), line("2", "failed"), line("3")];
    expect(await readFile(path, "utf8")).toBe(lines.map((text) => `${JSON.stringify(text)}\n`).join(""));
  });

  it("goes on after a run that wrote nothing yet", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await (await openOutput(path, NEW)).close();
    const output = await openOutput(path, RESUME);
    expect(output.written.size).toBe(0);
    await output.close();
  });

  it("starts anew with --force, over a finished file and over an interrupted run", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await interruptedRun(path);
    await writeFile(path, "old\n");
    const output = await openOutput(path, FORCE);
    expect(output.written.size).toBe(0);
    expect(await readFile(path, "utf8")).toBe("old\n");
    await output.complete();
    expect(await readFile(path, "utf8")).toBe("");
  });
});

describe("an output is refused", () => {
  it("when the file exists", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await writeFile(path, "");
    expect(await refusal(path, NEW)).toBe(
      "out.jsonl: got a file that exists; expected a new file, or --force to replace it",
    );
    expect(await refusal(path, RESUME)).toBe(
      "out.jsonl: got nothing to resume; expected out.jsonl.part, which an interrupted run leaves behind",
    );
  });

  it("when an interrupted run is there and nobody said what to do with it", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await interruptedRun(path);
    expect(await refusal(path, NEW)).toBe(
      "out.jsonl: got an unfinished run; expected --resume to go on with it, or --force to start anew",
    );
  });

  it("when it is a folder, even with --force", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await mkdir(path);
    for (const options of [NEW, FORCE, RESUME])
      expect(await refusal(path, options)).toBe("out.jsonl: got a folder; expected a file");
  });

  it("when its folder does not exist", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "missing", "out.jsonl");
    expect(await refusal(path, NEW)).toBe(
      "missing/out.jsonl: got a folder that does not exist; expected one that does",
    );
  });

  it("when it cannot be written, here because its name is too long", async () => {
    await using folder = await makeTempFolder();
    const name = "x".repeat(252);
    expect(await refusal(join(folder.path, name), NEW)).toBe(
      `${name}: got a place that cannot be written to (ENAMETOOLONG); expected another file or folder`,
    );
  });

  it("when the run to resume had another input or agent", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await interruptedRun(path);
    const other = (differences: object): OutputOptions => ({ ...RESUME, manifest: { ...MANIFEST, ...differences } });
    expect(await refusal(path, other({ input: "other.csv" }))).toBe(
      'out.jsonl.run.json: got a run of "topics.csv"; expected the same input as now, "other.csv" (--force starts anew)',
    );
    expect(await refusal(path, other({ agent: "ada" }))).toBe(
      'out.jsonl.run.json: got a run with no --agent; expected the same as now, --agent "ada" (--force starts anew)',
    );
    expect(await refusal(path, other({ input: "./x/../topics.csv" }))).toBe("opened");
  });

  it.each([
    ["is missing", null, "nothing: it does not exist"],
    ["is no JSON", "{", "something else"],
    ["is something else", '{"runId":1}', "something else"],
  ])("when the manifest of the run to resume %s", async (_, manifest, got) => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await writeFile(`${path}.part`, "");
    if (manifest !== null) await writeFile(`${path}.run.json`, manifest);
    expect(await refusal(path, RESUME)).toBe(
      `out.jsonl.run.json: got ${got}; expected the manifest of the run to resume (--force starts anew)`,
    );
  });

  it("when a line of the run to resume is no result", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "out.jsonl");
    await interruptedRun(path);
    await writeFile(`${path}.part`, `${JSON.stringify(line("1"))}\n{"no":"result"}\n`);
    expect(await refusal(path, RESUME)).toBe(
      "out.jsonl.part:2: got a line that is no result; expected the output of an interrupted run (--force starts anew)",
    );
  });
});
