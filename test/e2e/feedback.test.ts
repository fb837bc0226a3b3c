import { expect, it } from "vitest";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { runCli } from "../support/run-cli.ts";

/** Jobs `job0` … with a text each, of the fake provider. */
async function writeTexts(cli: CliSession, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => `job${index},echo,topic ${index}\n`);
  await cli.write("topics.csv", `id,agent,topic\n${rows.join("")}`);
  expect(await cli.run("bulk", "topics.csv", "--out", "out.jsonl", "--worker", "--fake")).toMatchObject({ code: 0 });
}

interface UsageJson {
  readonly key: string;
  readonly feedback: { readonly count: number; readonly mean: number } | null;
}

async function usageBy(cli: CliSession, by: string): Promise<UsageJson[]> {
  const rows = JSON.parse((await cli.run("usage", "--by", by, "--json")).stdout) as UsageJson[];
  return rows.map(({ key, feedback }) => ({ key, feedback }));
}

it("scores one job, again and again, and usage tells the mean", async () => {
  await using cli = await openCliSession();
  await writeTexts(cli, 2);
  expect((await cli.run("usage")).stdout).not.toContain("feedback");
  expect(await usageBy(cli, "provider")).toEqual([{ key: "fake", feedback: null }]);

  expect(await cli.run("feedback", "job0", "0.8")).toMatchObject({ code: 0, stdout: "job0: scored 0.8\n", stderr: "" });
  expect(await cli.run("feedback", "job0", "down")).toMatchObject({ code: 0, stdout: "job0: scored 0\n" });
  const { code, stdout } = await cli.run("feedback", "job1", "up", "--json");
  expect({ code, reply: JSON.parse(stdout) as unknown }).toEqual({
    code: 0,
    reply: { id: "job1", score: 1, reply: "stored" },
  });
  expect((await cli.run("usage")).stdout).toMatch(/ feedback\n(.*\n)*.* 0\.50 \(2\)\n/);
  const feedback = { count: 2, mean: 0.5 };
  expect(await usageBy(cli, "model")).toEqual([{ key: "fake/fake-1", feedback }]);
  expect(await usageBy(cli, "agent")).toEqual([{ key: "echo", feedback }]);
}, 60_000);

it("says why a job cannot be scored: exit 2 for an unknown one, 4 without a text", async () => {
  await using cli = await openCliSession();
  await cli.run("enqueue", "tweet", "--agent", "echo", "--id", "waits");
  await cli.run("enqueue", "tweet", "--agent", "echo", "--id", "cancelled");
  await cli.run("cancel", "cancelled");
  expect(await cli.run("feedback", "nobody", "1")).toMatchObject({
    code: 2,
    stdout: "nobody: there is no such job, or its result is no longer kept\n",
  });
  expect(await cli.run("feedback", "waits", "1")).toMatchObject({
    code: 4,
    stdout: "waits: it has no result yet; score it when it is finished\n",
  });
  expect(await cli.run("feedback", "cancelled", "1")).toMatchObject({
    code: 4,
    stdout: "cancelled: it ended without a text; there is nothing to score\n",
  });
});

it("stores a file of scores in its order, and says which rows had no text to score", async () => {
  await using cli = await openCliSession();
  await writeTexts(cli, 450);
  const rows = Array.from({ length: 450 }, (_, index) => `job${index},${index % 2 === 0 ? "up" : "down"}\n`);
  await cli.write("scores.csv", `id,score\n${rows.join("")}job0,0.5\njob1,0.25\njob1,0.75\n`);
  expect(await cli.run("feedback", "--file", "scores.csv")).toMatchObject({
    ...{ code: 0, stdout: "453 scores stored\n", stderr: "" },
  });
  // The last score of a job counts: 224 times 1, twice one in between.
  const [all] = await usageBy(cli, "agent");
  expect(all?.feedback?.count).toBe(450);
  expect(all?.feedback?.mean).toBeCloseTo((224 + 0.5 + 0.75) / 450, 12);

  await cli.write("more.jsonl", '{"id":"job2","score":0.1}\n{"id":"nobody","score":1}\n');
  const { code, stdout, stderr } = await cli.run("feedback", "--file", "more.jsonl", "--json");
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: "not stored: more.jsonl:2 nobody: there is no such job, or its result is no longer kept\n",
  });
  expect(JSON.parse(stdout)).toEqual({
    ...{ file: "more.jsonl", stored: 1, unknown: 1, unfinished: 0, "no-text": 0, invalid: 0 },
  });
}, 60_000);

it("a file with rows that are wrong: exit 3, all of them told, nothing stored; --skip-invalid stores the others", async () => {
  await using cli = await openCliSession();
  await writeTexts(cli, 2);
  await cli.write("scores.csv", "id,score\njob0,1\njob1,80\na:b,0.5\n");
  const problems = [
    'error: scores.csv:3 score: got "80"; expected a number from 0 (bad) to 1 (good), up or down',
    'error: scores.csv:4 id: got "a:b"; expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991',
  ];
  const stderr = `${problems.join("\n")}\n`;
  expect(await cli.run("feedback", "--file", "scores.csv")).toMatchObject({ code: 3, stdout: "", stderr });
  expect(await usageBy(cli, "provider")).toEqual([{ key: "fake", feedback: null }]);
  expect(await cli.run("feedback", "--file", "scores.csv", "--skip-invalid")).toMatchObject({
    ...{ code: 3, stdout: "1 score stored, 2 invalid\n", stderr },
  });
  expect(await usageBy(cli, "provider")).toEqual([{ key: "fake", feedback: { count: 1, mean: 1 } }]);
}, 60_000);

it("a file in which many rows are wrong or unknown: the first 20 are told, and how many more there are", async () => {
  await using cli = await openCliSession();
  await cli.write("wrong.csv", `id,score\n${"a,2\n".repeat(30)}b,1\n`);
  await cli.write("unknown.csv", `id,score\n${"a,1\n".repeat(30)}`);
  for (const args of [["wrong.csv"], ["wrong.csv", "--skip-invalid"], ["unknown.csv"]]) {
    const { code, stderr } = await cli.run("feedback", "--file", ...args);
    const lines = stderr.trimEnd().split("\n");
    expect({ code, lines: lines.length }).toEqual({ code: 3, lines: 21 });
    expect(lines.at(-1)).toMatch(args.includes("--skip-invalid") ? /^… and 11 more$/ : /… and 10 more$/);
  }
});

it.each([
  [[], "arguments: got none; expected an id and a score, or --file and a file of them"],
  [["rain-1"], "score: got none; expected an id and a score, or --file and a file of them"],
  [
    ["rain-1", "--file", "s.csv"],
    "arguments: got --file and an id; expected an id and a score, or --file and a file of them",
  ],
  [
    ["rain-1", "1", "--skip-invalid"],
    "arguments: got --skip-invalid; expected an id and a score, or --file and a file of them",
  ],
  [["rain-1", "5"], 'score: got "5"; expected a number from 0 (bad) to 1 (good), up or down'],
  [["--file", "nowhere.csv"], "nowhere.csv: got nothing: it does not exist; expected a file"],
])("feedback %j: exit 2 and what was expected", async (args, message) => {
  const { code, stdout, stderr } = await runCli(["feedback", ...args], { env: { REDIS_URL: "redis://127.0.0.1:1" } });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toBe(`error: ${message.startsWith("nowhere") ? "" : "feedback "}${message}\n`);
});

it("Redis that is away: exit 5, and no stack", async () => {
  const { code, stderr } = await runCli(["feedback", "rain-1", "1"], { env: { REDIS_URL: "redis://127.0.0.1:1" } });
  expect(code).toBe(5);
  expect(stderr).toMatch(/^error: Redis at redis:\/\/127\.0\.0\.1:1 is not available/);
});
