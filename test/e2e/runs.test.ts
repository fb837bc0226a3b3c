import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { startProgram, type RunningProgram } from "../support/run-cli.ts";
import { testRedisUrl } from "../support/redis.ts";
import { waitFor } from "../support/wait-for.ts";

const SLOW = { fake: { latencyMs: 100 } };

function csvOf(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `r${index},echo,topic ${index}\n`);
  return `id,agent,topic\n${rows.join("")}`;
}

async function slowSession(rows: number, config: object = SLOW): Promise<CliSession> {
  const cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", config);
  await cli.write("rows.csv", csvOf(rows));
  return cli;
}

async function startRun(cli: CliSession, ...options: string[]): Promise<{ run: RunningProgram; id: string }> {
  const run = cli.start("bulk", "rows.csv", "--out", "out.jsonl", "--worker", "--concurrency", "2", ...options);
  const [, id = ""] = await run.waitForOutput(/^run (b[0-9a-f]+):/m);
  return { run, id };
}

async function showRun(cli: CliSession, id: string): Promise<Record<string, unknown>> {
  const { stdout } = await cli.run("runs", "show", id, "--json");
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("a run from another terminal", () => {
  it("is listed, paused, resumed, and done in the end", async () => {
    await using cli = await slowSession(60);
    const { run, id } = await startRun(cli, "--in-flight", "8");
    await using bulk = run;
    expect((await cli.run("runs", "pause", id)).stdout).toBe(`${id} is paused\n`);
    await bulk.waitForOutput(/the run was paused: puppet-engine runs resume b/);
    const paused = await showRun(cli, id);
    expect(paused).toMatchObject({
      id,
      state: "paused",
      total: 60,
      input: "rows.csv",
      output: "out.jsonl",
      isFed: true,
    });
    expect((await cli.run("runs")).stdout).toMatch(new RegExp(`^${id}\\s+paused\\s+\\d+/60`, "m"));
    expect((await cli.run("runs", "resume", id)).stdout).toBe(`${id} is running\n`);
    await bulk.waitForOutput(/the run was resumed/);
    expect((await bulk.ended).code).toBe(0);
    expect(await cli.readLines("out.jsonl")).toHaveLength(60);
    expect(await showRun(cli, id)).toMatchObject({ state: "done", done: { succeeded: 60 }, costMicroUsd: 0 });
    expect((await cli.run("runs", "show", id)).stdout).toMatch(/^done {4}60\/60 \(60 succeeded\)$/m);
  });

  it("is cancelled: no more of its rows run, exit 4, and it can go on after all", async () => {
    await using cli = await slowSession(60);
    const { run, id } = await startRun(cli, "--in-flight", "8");
    await using bulk = run;
    expect((await cli.run("runs", "cancel", id)).stdout).toBe(`${id} is cancelled\n`);
    const { code, stderr } = await bulk.ended;
    expect(code).toBe(4);
    expect(stderr).toContain(`puppet-engine runs resume ${id} && puppet-engine bulk rows.csv --out out.jsonl --resume`);
    const lines = await cli.readLines("out.jsonl.part");
    expect(lines.length).toBeLessThan(60);
    expect((await cli.run("runs", "resume", id)).stdout).toContain("no process feeds it any more; go on with:");
    const resumed = await cli.run(
      "bulk",
      "rows.csv",
      "--out",
      "out.jsonl",
      "--resume",
      "--worker",
      "--concurrency",
      "50",
    );
    expect([0, 4]).toContain(resumed.code);
    const all = await cli.readLines("out.jsonl");
    expect(new Set(all.map(({ id: row }) => row)).size).toBe(60);
    expect(all).toHaveLength(60);
  });

  it("that nobody knows: exit 2, and where to look", async () => {
    await using cli = await openCliSession();
    for (const command of ["show", "pause", "resume", "cancel", "retry-failed"]) {
      const { code, stderr } = await cli.run("runs", command, "nope");
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'error: runs id: got "nope"; expected the id of a run; `puppet-engine runs` lists them\n',
      });
    }
    expect((await cli.run("runs")).stdout).toBe("no runs in the last 30 days\n");
  });
});

it("rows that have failed run once more, and the output has a line for each row", async () => {
  await using cli = await slowSession(30, { fake: { refuseRate: 0.4, seed: "some" } });
  const first = await cli.run("bulk", "rows.csv", "--out", "out.jsonl", "--worker");
  expect(first.code).toBe(4);
  const before = await cli.readLines("out.jsonl");
  const failed = before.filter(({ status }) => status === "failed").length;
  expect(failed).toBeGreaterThan(0);
  const [, id = ""] = /^run (b[0-9a-f]+):/m.exec(first.stderr) ?? [];
  await cli.write("config.json", { fake: { refuseRate: 0 } });
  const again = await cli.run("runs", "retry-failed", id, "--worker");
  expect(again).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`note: ${failed} rows have failed, and run once more`),
  });
  const lines = await cli.readLines("out.jsonl");
  expect(lines.map(({ id: row, status }) => `${String(row)} ${String(status)}`).toSorted()).toEqual(
    Array.from({ length: 30 }, (_, index) => `r${index} succeeded`).toSorted(),
  );
  expect(await showRun(cli, id)).toMatchObject({ state: "done", done: { succeeded: 30 } });
  expect((await cli.run("bulk", "rows.csv", "--out", "o2.jsonl", "--retry-failed")).stderr).toBe(
    "error: bulk --retry-failed: got a new run; expected --resume as well: it goes on with an earlier one\n",
  );
});

it("--ordered writes the lines in the order of the input", async () => {
  await using cli = await slowSession(40, { fake: { latencyMs: { min: 0, max: 80 } } });
  const { code } = await cli.run(
    "bulk",
    "rows.csv",
    "--out",
    "out.jsonl",
    "--worker",
    "--ordered",
    "--in-flight",
    "10",
  );
  expect(code).toBe(0);
  const lines = await cli.readLines("out.jsonl");
  expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, index) => `r${index}`));
});

describe("--dry-run", () => {
  it("tells rows, tokens, cost and the least time, and enqueues nothing", async () => {
    await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
    await cli.write("config.json", { limits: [{ provider: "openai", requestsPerMinute: 60, burstSeconds: 1 }] });
    await cli.write("rows.csv", csvOf(61).replaceAll("echo", "ada"));
    const { code, stdout } = await cli.run("bulk", "rows.csv", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^61 rows; nothing was enqueued$/m);
    expect(stdout).toMatch(/openai\/gpt-6-luna\s+61\s+[\d,]+\s+17,080\s+0\.0\d+\s+0\.0\d+\s+1 min 0 s/);
    const { stdout: json } = await cli.run("bulk", "rows.csv", "--dry-run", "--json");
    const { models } = JSON.parse(json) as { models: { costUsd: number; batchCostUsd: number; leastMs: number }[] };
    expect(models[0]).toMatchObject({ rows: 61, outputTokens: 61 * 280, leastMs: 60_000 });
    expect(models[0]?.batchCostUsd).toBeCloseTo((models[0]?.costUsd ?? 0) / 2, 9);
    expect((await cli.run("runs")).stdout).toBe("no runs in the last 30 days\n");
  });
});

describe("the input may be", () => {
  it("compressed", async () => {
    await using cli = await openCliSession();
    await writeFile(join(cli.folder, "rows.csv.gz"), gzipSync(csvOf(5)));
    const { code } = await cli.run("bulk", "rows.csv.gz", "--out", "out.jsonl", "--worker");
    expect(code).toBe(0);
    expect(await cli.readLines("out.jsonl")).toHaveLength(5);
  });

  it.each([
    [
      "breaks off",
      (whole: Buffer) => whole.subarray(0, whole.length - 12),
      "a gzip file that breaks off; expected a whole one",
    ],
    [
      "is none",
      () => Buffer.from("id,agent\n"),
      "something that is no gzip file, or a damaged one; expected a gzip file",
    ],
  ])("but not a gzip file that %s", async (_, damage, message) => {
    await using cli = await openCliSession();
    await writeFile(join(cli.folder, "rows.csv.gz"), damage(gzipSync(csvOf(500))));
    const { code, stderr } = await cli.run("bulk", "rows.csv.gz", "--out", "out.jsonl", "--worker");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`rows.csv.gz: got ${message}`) as string,
    });
  });

  it.each([
    ["JSON", '{"id":"a","agent":"echo","topic":"x"}\n', "jsonl"],
    ["CSV", "id,agent,topic\na,echo,x\n", "csv"],
  ])("standard input with %s", async (_, input, kind) => {
    await using cli = await openCliSession();
    const { code, stderr } = await piped(cli, input);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`kept as out.jsonl.input.${kind}`),
    });
    expect(await cli.readLines("out.jsonl")).toMatchObject([{ id: "a", status: "succeeded" }]);
    await expect(cli.read(`out.jsonl.input.${kind}`), "it is gone when the run is done").rejects.toThrow("ENOENT");
  });

  it("but not where the input of an interrupted run is kept", async () => {
    await using cli = await openCliSession();
    await cli.write("out.jsonl.part", "");
    await cli.write("out.jsonl.input.jsonl", "precious");
    const { code, stderr } = await piped(cli, '{"agent":"echo","topic":"x"}\n');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("an unfinished run") as string });
    expect(await cli.read("out.jsonl.input.jsonl")).toBe("precious");
    expect((await cli.run("bulk", "-", "--out", "out.jsonl", "--resume")).stderr).toContain(
      "got standard input; expected the file that it was kept in, such as out.jsonl.input.jsonl",
    );
  });

  it("but not an empty standard input", async () => {
    await using cli = await openCliSession();
    expect(await piped(cli, "")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("standard input: got 0 rows; expected at least one row") as string,
    });
  });
});

async function piped(cli: CliSession, input: string): Promise<{ code: number | null; stderr: string }> {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const env = { REDIS_URL: testRedisUrl(), PUPPET_ENGINE_NAMESPACE: cli.namespace };
  await using program = startProgram([main, "bulk", "-", "--out", "out.jsonl", "--worker", "--fake"], {
    ...{ cwd: cli.folder, env, input },
  });
  return await program.ended;
}

it("--delivery batch sends the rows in batches, which can be listed", async () => {
  await using cli = await slowSession(10, { batch: { collectSeconds: 0.2, pollSeconds: 0.2 } });
  const { code } = await cli.run("bulk", "rows.csv", "--out", "out.jsonl", "--worker", "--delivery", "batch");
  expect(code).toBe(0);
  expect(await cli.readLines("out.jsonl")).toHaveLength(10);
  const batches = await waitFor(
    async () => {
      const { stdout } = await cli.run("batches", "--json");
      const all = JSON.parse(stdout) as { state: string; succeeded: number; id: string }[];
      return all.every(({ state }) => state === "done") && all.length > 0 ? all : undefined;
    },
    { describe: () => "the batch is done" },
  );
  expect(batches.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(10);
  const [first] = batches;
  expect((await cli.run("batches")).stdout).toMatch(/^pb\w+\s+done\s+fake\/fake-1\s+10\s+10\s+10\s+0\s/m);
  expect(await cli.run("batches", "cancel", first?.id ?? "")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("which is done; expected the id of a batch under way") as string,
  });
});
