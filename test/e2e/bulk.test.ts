import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { testRedisUrl } from "../support/redis.ts";
import { waitFor } from "../support/wait-for.ts";

/* With the example agents, and the fake provider in the place of the real ones. */

const HEADER = "id,agent,topic,mood\n";

function rowsOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `job${index},ada,topic ${index},calm\n`).join("");
}

async function runBulk(cli: CliSession, input: string, ...options: string[]): ReturnType<CliSession["run"]> {
  return await cli.run("bulk", input, "--out", "out.jsonl", "--worker", "--fake", ...options);
}

/** Names of the jobs that were ever enqueued in the session's namespace. */
async function enqueuedJobs({ namespace }: CliSession): Promise<string[]> {
  const redis = new Redis(testRedisUrl());
  try {
    return await redis.keys(`{${namespace}}:job:*`);
  } finally {
    redis.disconnect();
  }
}

function idsOf(lines: readonly Record<string, unknown>[]): string[] {
  return lines.map(({ id }) => String(id)).sort();
}

const NUMBER = expect.any(Number) as number;

it("a CSV file: exit 0, and a line of JSON for each row with everything about its result", async () => {
  await using cli = await openCliSession();
  await cli.write("topics.csv", `${HEADER}a,ada,"music, counted",delighted\nb,echo,fog,\n,nori,jam,proud\n`);
  const { code, stdout, stderr } = await runBulk(cli, "topics.csv");
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/3\/3 done, 0 failed, 3 enqueued/) as string,
  });
  expect(stdout).toMatch(/3\/3 done, 0 failed, 3 enqueued, 0 USD; written to out\.jsonl\n$/);
  const lines = await cli.readLines("out.jsonl");
  const usage = {
    inputTokens: NUMBER,
    outputTokens: NUMBER,
    totalTokens: NUMBER,
    cachedInputTokens: 0,
    reasoningTokens: 0,
  };
  expect(lines.find(({ id }) => id === "a")).toEqual({
    ...{ id: "a", agent: "ada", kind: "tweet", status: "succeeded", text: expect.stringMatching(/\S/) as string },
    ...{ provider: "fake", model: "fake-1", finishReason: "stop", usage: { ...usage, estimated: false }, costUsd: 0 },
    attempts: [{ provider: "fake", model: "fake-1", outcome: "succeeded", durationMs: NUMBER, costUsd: 0 }],
    finishing: { changes: [], weightedLength: NUMBER, limit: 280 },
  });
  expect(lines.map(({ agent, status }) => `${String(agent)} ${String(status)}`).sort()).toEqual(
    ["ada", "echo", "nori"].map((agent) => `${agent} succeeded`),
  );
  await expect(cli.read("out.jsonl.part"), "nothing else is left").rejects.toThrow("ENOENT");
  await expect(cli.read("out.jsonl.run.json")).rejects.toThrow("ENOENT");
});

it("a JSONL file with tweets, replies and content; --agent for rows that name none; --json for the summary", async () => {
  await using cli = await openCliSession();
  const rows = [
    { id: "t", agent: "ada", topic: "tea" },
    { id: "r", mention: "Where are you?", conversation_history: [{ author: "sam", text: "Hello" }] },
    { id: "c", prompt: "A haiku", audience: "sailors" },
  ];
  await cli.write("jobs.jsonl", rows.map((row) => JSON.stringify(row)).join("\n\n"));
  const { code, stdout, stderr } = await runBulk(cli, "jobs.jsonl", "--agent", "orbit", "--json");
  expect(code).toBe(0);
  expect(stderr, "no progress").not.toContain("done");
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ total: 3, enqueued: 3, succeeded: 3, failed: 0, refused: 0, costMicroUsd: 0, out: "out.jsonl" },
    byProvider: [{ key: "fake", requests: 3 }],
  });
  const lines = await cli.readLines("out.jsonl");
  expect(lines.map(({ id, agent, kind }) => [id, agent, kind].join(" ")).sort()).toEqual([
    "c orbit content",
    "r orbit reply",
    "t ada tweet",
  ]);
});

it("some jobs failed: exit 4, and their lines say why", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { fake: { seed: "some", refuseRate: 0.5 } });
  await cli.write("topics.csv", HEADER + rowsOf(12));
  const { code, stdout } = await runBulk(cli, "topics.csv");
  expect(code).toBe(4);
  const lines = await cli.readLines("out.jsonl");
  const failed = lines.filter(({ status }) => status === "failed");
  expect(lines).toHaveLength(12);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(12);
  expect(stdout).toContain(`12/12 done, ${failed.length} failed`);
  for (const line of failed) {
    expect(line).toMatchObject({ error: expect.stringMatching(/^fake\/fake-1: content-filtered/) as string });
    expect(line).not.toHaveProperty("text");
  }
});

it("invalid rows: exit 3, every problem with file and line, and nothing is enqueued", async () => {
  await using cli = await openCliSession();
  const rows = [
    '{"id":"ok","agent":"ada","topic":"tea"}',
    '{"id":"a:b","agent":"ada"}',
    "this is no JSON",
    '{"agent":"adda"}',
    '{"kind":"poem","agent":"ada"}',
    '{"agent":"ada","mention":""}',
  ];
  await cli.write("jobs.jsonl", rows.join("\n"));
  const { code, stdout, stderr } = await runBulk(cli, "jobs.jsonl");
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  const problems = stderr.split("\n").filter((line) => line.startsWith("error: "));
  expect(problems).toHaveLength(5);
  expect(problems[0]).toMatch(/^error: jobs\.jsonl:2 id: got "a:b"; expected 1–128 characters/);
  expect(problems[1]).toMatch(/^error: jobs\.jsonl:3: got .+; expected .*JSON/);
  expect(problems[2]).toMatch(/^error: jobs\.jsonl:4 agent: got "adda"; expected .*\bada\b/);
  expect(problems[3]).toMatch(/^error: jobs\.jsonl:5 kind: got "poem"; expected .*tweet/);
  expect(problems[4]).toMatch(/^error: jobs\.jsonl:6 mention: got /);
  expect(await enqueuedJobs(cli)).toEqual([]);
  await expect(cli.read("out.jsonl.part")).rejects.toThrow("ENOENT");
});

it("a ragged row is invalid as well", async () => {
  await using cli = await openCliSession();
  await cli.write("ragged.csv", `${HEADER}a,ada,tea,calm\nb,ada\n`);
  const { code, stderr } = await runBulk(cli, "ragged.csv");
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: ragged\.csv:3.* 2 cells; expected 4, as the header has/m);
  expect(await enqueuedJobs(cli)).toEqual([]);
});

it("the same row twice counts once; another row under the same id is an error that names both lines", async () => {
  await using cli = await openCliSession();
  await cli.write("twice.csv", `${HEADER}a,ada,tea,calm\nb,ada,milk,calm\na,ada,tea,calm\n`);
  const twice = await runBulk(cli, "twice.csv");
  expect(twice.code).toBe(0);
  expect(twice.stderr).toMatch(/^note: 1 rows? .*twice/m);
  expect(idsOf(await cli.readLines("out.jsonl"))).toEqual(["a", "b"]);
  await cli.write("other.csv", `${HEADER}a,ada,tea,calm\nb,ada,milk,calm\na,ada,coffee,calm\n`);
  const other = await runBulk(cli, "other.csv", "--force");
  expect(other.code).toBe(3);
  expect(other.stderr).toContain(
    'error: other.csv:4 id: got "a", which line 2 has with other content; expected an id of its own',
  );
});

it("a row whose id belongs to another job is refused: exit 3, the others are done", async () => {
  await using cli = await openCliSession();
  await cli.run("enqueue", "tweet", "--agent", "echo", "--topic", "something else", "--id", "job1");
  await cli.write("topics.csv", HEADER + rowsOf(3));
  const { code, stderr } = await runBulk(cli, "topics.csv");
  expect(code).toBe(3);
  expect(stderr).toContain("error: job job1: the id belongs to a job with another payload");
  expect(idsOf(await cli.readLines("out.jsonl"))).toEqual(["job0", "job2"]);
});

it("an existing output is refused before anything runs; --force replaces it", async () => {
  await using cli = await openCliSession();
  await cli.write("topics.csv", HEADER + rowsOf(2));
  await cli.write("out.jsonl", "precious\n");
  const refused = await runBulk(cli, "topics.csv");
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    "error: out.jsonl: got a file that exists; expected a new file, or --force to replace it",
  );
  expect(await cli.read("out.jsonl")).toBe("precious\n");
  expect(await enqueuedJobs(cli)).toEqual([]);
  expect((await runBulk(cli, "topics.csv", "--force")).code).toBe(0);
  expect(idsOf(await cli.readLines("out.jsonl"))).toEqual(["job0", "job1"]);
});

it.concurrent.each([
  ["nothing but a header", "header.csv", /^error: header\.csv: got 0 rows; expected at least one row$/m],
  ["blank lines only", "blank.jsonl", /^error: blank\.jsonl: got 0 rows; expected at least one row$/m],
  [
    "of an unknown kind",
    "topics.xlsx",
    /^error: topics\.xlsx: got a file named .*; expected \*\.csv or \*\.jsonl, or one of them as \*\.gz$/m,
  ],
])("an input that is %s: exit 2 and the reason", async (_, name, message) => {
  await using cli = await openCliSession();
  await cli.write("header.csv", HEADER);
  await cli.write("blank.jsonl", "\n\n");
  await cli.write("topics.xlsx", "PK");
  const { code, stdout, stderr } = await runBulk(cli, name);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(message);
  expect(await enqueuedJobs(cli)).toEqual([]);
});

it("--resume without anything to resume, and a new run over an unfinished one: exit 2 and what to do", async () => {
  await using cli = await openCliSession();
  await cli.write("topics.csv", HEADER + rowsOf(2));
  const nothing = await runBulk(cli, "topics.csv", "--resume");
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toMatch(/^error: out\.jsonl: got nothing to resume; expected out\.jsonl\.part/m);
  await cli.write("out.jsonl.part", "");
  const unfinished = await runBulk(cli, "topics.csv");
  expect(unfinished.code).toBe(2);
  expect(unfinished.stderr).toContain(
    "error: out.jsonl: got an unfinished run; expected --resume to go on with it, or --force",
  );
});

it("Ctrl-C: exit 130, a summary and the command that resumes, which then completes every row exactly once", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { fake: { latencyMs: 200 } });
  // Rows with and without ids of their own; two in work at once take four seconds for all.
  const nameless = Array.from({ length: 20 }, (_, index) => `,echo,nameless ${index},calm\n`).join("");
  await cli.write("topics.csv", HEADER + rowsOf(20) + nameless);
  const options = ["--out", "out.jsonl", "--worker", "--fake", "--concurrency", "2"];
  await using interrupted = cli.start("bulk", "topics.csv", ...options);
  await waitFor(async () => (await cli.read("out.jsonl.part").catch(() => "")).split("\n").length > 4, {
    timeoutMs: 20_000,
  });
  interrupted.signal("SIGINT");
  const { code, stdout, stderr } = await interrupted.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toMatch(/^(interrupted: )?\d+\/40 done, 0 failed, 40 enqueued/m);
  const before = await cli.readLines("out.jsonl.part");
  expect(before.length).toBeLessThan(40);

  const command = /^ {2}puppet-engine (bulk .*)$/m.exec(stderr)?.[1] ?? "";
  expect(command).toContain("--resume");
  await cli.write("config.json", {});
  const resumed = await cli.run(...shellWords(command));
  expect(resumed.code, resumed.stderr).toBe(0);
  const lines = await cli.readLines("out.jsonl");
  expect(lines.slice(0, before.length), "what was written stays").toEqual(before);
  expect(lines).toHaveLength(40);
  expect(new Set(idsOf(lines)).size).toBe(40);
  expect(lines.filter(({ status }) => status !== "succeeded")).toEqual([]);
  expect((await enqueuedJobs(cli)).length).toBe(40);
}, 60_000);

it("a run of a program that was killed is resumed as well: a line that was cut off is written again", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { fake: { latencyMs: 100 } });
  await cli.write("topics.csv", HEADER + rowsOf(20));
  const command = ["bulk", "topics.csv", "--out", "out.jsonl", "--worker", "--fake"];
  await using killed = cli.start(...command, "--concurrency", "1");
  const part = async (): Promise<string> => await cli.read("out.jsonl.part").catch(() => "");
  await waitFor(async () => (await part()).split("\n").length > 3, { timeoutMs: 20_000 });
  killed.signal("SIGKILL");
  await killed.ended;
  // As if it had been killed in the middle of a line. The job whose call was broken off is not waited for here.
  const whole = (await part()).split("\n").filter(Boolean).slice(0, 2);
  await cli.write("out.jsonl.part", `${whole.join("\n")}\n{"id":"job2","age`);
  await cli.write("config.json", {});
  await using _resumed = cli.start(...command, "--resume");
  // All but one, or all, when no call was broken off; the output then has its name already.
  const written = async (): Promise<string[]> => (await cli.read("out.jsonl").catch(part)).split("\n").slice(0, -1);
  await waitFor(async () => (await written()).length >= 19, { timeoutMs: 20_000 });
  const ids = idsOf((await written()).map((line) => JSON.parse(line) as Record<string, unknown>));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toContain("job2");
}, 60_000);

it("examples/topics.csv and examples/jobs.jsonl run as they are", async () => {
  await using cli = await openCliSession();
  const examples = join(import.meta.dirname, "../../examples");
  for (const name of ["topics.csv", "jobs.jsonl"]) {
    const { code, stdout } = await runBulk(cli, join(examples, name), "--force", "--json");
    expect(code).toBe(0);
    const { total, succeeded } = JSON.parse(stdout) as { total: number; succeeded: number };
    expect(total).toBeGreaterThan(1);
    expect(succeeded).toBe(total);
    expect(await cli.readLines("out.jsonl")).toHaveLength(total);
  }
});

/** Splits a command line as a shell would, quotes included. */
function shellWords(command: string): string[] {
  return [...command.matchAll(/'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single?.replaceAll("'\\''", "'") ?? double ?? bare ?? "",
  );
}
