import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { findChromium, openBrowserPage } from "../../scripts/chromium.ts";
import { controlKeys } from "../../src/admission/keys.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { testRedisUrl } from "../support/redis.ts";
import { elementsOf, parseStrictly, textOf, withClass } from "../support/strict-markup.ts";
import { waitFor } from "../support/wait-for.ts";

/* With the example agents, of which Nori has prompts that take turns. */

const FAKES = ["--models", "fake/fake-1,fake/fake-2"];
const TOPICS = ["--topic", "it's tea", "--topic", "rain"];
const KEY = "sk-live-0a1b2c3d4e5f60718293";

interface ReportedText {
  readonly target: string;
  readonly latencyMs: number | null;
  readonly score: number | null;
  readonly result: {
    readonly id: string;
    readonly status: string;
    readonly text?: string;
    readonly error?: string;
  };
}

interface Report {
  readonly models: readonly Record<string, unknown>[];
  readonly jobs: readonly { readonly agent: string; readonly texts: readonly ReportedText[] }[];
}

function textsOf(stdout: string): readonly ReportedText[] {
  return (JSON.parse(stdout) as Report).jobs.flatMap(({ texts }) => texts);
}

async function requestsMade(cli: CliSession): Promise<number> {
  const rows = JSON.parse((await cli.run("usage", "--json")).stdout) as { requests: number }[];
  return rows.reduce((sum, { requests }) => sum + requests, 0);
}

async function onRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(testRedisUrl());
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** The command that was printed, as a shell takes it apart. */
async function wordsOf(printed: RegExp, output: string): Promise<string[]> {
  const line = printed.exec(output)?.[1] ?? "";
  const script = line.replace("puppet-engine ", "printf '%s\\0' ");
  return (await promisify(execFile)("sh", ["-c", script])).stdout.split("\0").slice(0, -1);
}

it("writes every job with every model: a table, and a page with the texts side by side", async () => {
  await using cli = await openCliSession();
  const run = await cli.run("compare", ...FAKES, "--agent", "ada", ...TOPICS, "--worker", "--html", "report.html");
  expect({ code: run.code, stderr: run.stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /^comparison c[0-9a-f]{8}: 2 models × 2 jobs = 4 texts$[^]*^4\/4 done, 0 failed/m,
    ) as string,
  });
  for (const model of ["fake/fake-1", "fake/fake-2"])
    expect(run.stdout).toMatch(new RegExp(`^${model} +2/2 +\\d+ ms +\\d+ ms +\\d+/\\d+ +0 +0 +\\d+$`, "m"));
  expect(run.stdout).toMatch(/^texts side by side: report\.html$/m);
  const again = await cli.run(...(await wordsOf(/^this shows it again, and costs nothing:\n {2}(.*)$/m, run.stdout)));
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).toBe(run.stdout);
  expect(again.stderr).toContain("note: 4 texts were there before, and cost nothing now");
  const page = elementsOf(parseStrictly(await cli.read("report.html")));
  expect(page.filter(({ name }) => name === "h3").map(textOf)).toEqual(["it's tea", "rain"]);
  expect(withClass(page, "text")).toHaveLength(4);
});

it("shows the feedback that texts were given since", async () => {
  await using cli = await openCliSession();
  const command = ["compare", ...FAKES, "--agent", "ada", ...TOPICS, "--name", "scored", "--worker"];
  const first = textsOf((await cli.run(...command, "--json")).stdout);
  expect(first.map(({ score }) => score)).toEqual([null, null, null, null]);
  const ofFirstModel = first.filter(({ target }) => target === "fake/fake-1");
  for (const [index, { result }] of ofFirstModel.entries()) {
    expect((await cli.run("feedback", result.id, index === 0 ? "up" : "0.5")).code).toBe(0);
  }

  const again = textsOf((await cli.run(...command, "--json")).stdout);
  expect(again.map(({ target, score }) => `${target} ${score}`).toSorted()).toEqual([
    "fake/fake-1 0.5",
    "fake/fake-1 1",
    "fake/fake-2 null",
    "fake/fake-2 null",
  ]);
  expect((await cli.run(...command)).stdout).toMatch(/feedback[^]*0\.75 \(2\)/);
  expect((await cli.run("usage", "--by", "model")).stdout).toMatch(/feedback[^]*0\.75 \(2\)/);
});

it("under the same name nothing is asked again, and new models and jobs alone are paid", async () => {
  await using cli = await openCliSession();
  await cli.write("topics.csv", "agent,topic\nnori,tea\nada,rain\nnori,fog\n");
  const command = ["compare", "topics.csv", "--name", "night", "--worker", "--json"];
  const first = await cli.run(...command, ...FAKES, "--limit", "2");
  expect(first, first.stderr).toMatchObject({ code: 0, stderr: expect.not.stringContaining("done") as string });
  expect(await requestsMade(cli)).toBe(4);

  const again = await cli.run(...command, ...FAKES, "--limit", "2");
  expect(again.stderr).toContain("note: 4 texts were there before, and cost nothing now");
  expect(again.stdout).toBe(first.stdout);
  expect(await requestsMade(cli)).toBe(4);

  const more = await cli.run(...command, "--models", "fake/fake-3", "--models", "fake/fake-2,fake/fake-1");
  expect(await requestsMade(cli)).toBe(9);
  const ids = textsOf(more.stdout).map(({ result }) => result.id);
  expect(new Set(ids).size).toBe(9);
  expect(ids).toEqual(expect.arrayContaining(textsOf(first.stdout).map(({ result }) => result.id)));
  const turns = await onRedis(async (redis) => await redis.exists(controlKeys(cli.namespace).turns));
  expect(turns, "Nori's prompts take no turn").toBe(0);
});

it("a model that fails is shown, nobody steps in for it, and what cannot be mended is not tried for every job", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/404-model-not-found.json"));
  await using grok = await startRecordedServer(completionAnswer({ text: "Rain again.", model: "grok-4.3" }));
  const keys = { OPENAI_API_KEY: KEY, GROK_API_KEY: "xai-live-0a1b2c3d4e5f60718293" };
  const urls = { OPENAI_BASE_URL: openai.baseUrl, GROK_API_ENDPOINT: grok.baseUrl };
  const env = { ...keys, ...urls };
  await using cli = await openCliSession({ env, secrets: Object.values(keys) });
  const command = ["--models", "openai/gpt-6-lune,grok/grok-4.3", "--agent", "ada", ...TOPICS, "--topic", "fog"];
  const run = await cli.run("compare", ...command, "--worker", "--name", "typo");
  expect(run.code, run.stderr).toBe(4);
  expect(run.stderr).toMatch(/^comparison typo: 2 models × 3 jobs = 6 texts, cost not known$/m);
  expect(run.stdout).toMatch(/^openai\/gpt-6-lune +0\/3 +– /m);
  expect(run.stdout).toMatch(/^grok\/grok-4\.3 +3\/3 /m);
  expect(run.stdout).toMatch(/^openai\/gpt-6-lune, once: openai\/gpt-6-lune: model-not-found/m);
  expect(run.stdout).toMatch(/^openai\/gpt-6-lune, 2 times: cancelled/m);
  expect(run.stdout).toMatch(/^under --name typo what failed stays so: another --name tries it again$/m);
  expect(run.stdout).not.toContain("this shows it again");
  expect(run.stderr, "no lines of the worker's log").not.toContain('"level"');
  expect(grok.calls).toHaveLength(3);

  openai.answerWith(completionAnswer());
  await onRedis(async (redis) => {
    const groups = await redis.keys(controlKeys(cli.namespace).limitGroup("openai*"));
    for (const group of groups) await redis.hdel(group, "pausedUntil");
  });
  const mended = await cli.run("compare", ...command, "--topic", "tides", "--worker", "--name", "typo");
  expect(mended.stdout, "what failed stays so; what is new is asked").toMatch(/^openai\/gpt-6-lune +1\/4 /m);
  expect(grok.calls).toHaveLength(4);
});

it("the largest cost is told beforehand, and what it was afterwards", async () => {
  await using openai = await startRecordedServer();
  await using cli = await openCliSession({ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl } });
  const run = await cli.run("compare", "--models", "openai/gpt-6-luna", "--agent", "ada", ...TOPICS, "--worker");
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).toContain("note: one model alone: there is nothing to compare it with");
  const most = /1 model × 2 jobs = 2 texts, at most (0\.\d+) USD without retries/.exec(run.stderr)?.[1];
  const cost = /^openai\/gpt-6-luna +2\/2 .* (0\.\d+) +0\.\d+ +\d+$/m.exec(run.stdout)?.[1];
  expect(Number(cost)).toBeGreaterThan(0);
  expect(Number(most)).toBeGreaterThan(Number(cost));
});

it("a retired model is noted, whatever becomes of agents, and refused where agents with it are", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  const model = {
    provider: "fake",
    model: "fake-2",
    retiresOn: "2020-01-02",
    replacement: "fake-3",
    source: "https://example.org",
  };
  const command = ["compare", ...FAKES, "--agent", "ada", "--topic", "tea", "--worker"];
  await cli.write("config.json", { retiredModels: "substitute", models: { models: [model] } });
  const noted = await cli.run(...command, "--json");
  expect(noted.code, noted.stderr).toBe(0);
  expect(noted.stderr).toMatch(/^note: fake\/fake-2 is retired since 2020-01-02; use fake\/fake-3 \(it is called/m);
  expect(textsOf(noted.stdout).map(({ target }) => target)).toEqual(["fake/fake-1", "fake/fake-2"]);
  await cli.write("config.json", { retiredModels: "refuse", models: { models: [model] } });
  const refused = await cli.run(...command);
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(
    /^error: --models: got "fake\/fake-2" \(retired 2020-01-02\); expected a model that is served, such as "fake\/fake-3"$/m,
  );
});

it("--fake stands in for providers without a key, each model by itself", async () => {
  await using cli = await openCliSession();
  const models = ["--models", "openai/gpt-6-luna,grok/grok-4.3"];
  const run = await cli.run("compare", ...models, "--agent", "ada", ...TOPICS, "--worker", "--fake", "--json");
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).toContain(
    "note: openai: no key (OPENAI_API_KEY or OPENAI_API_KEYS): the fake provider takes its place",
  );
  const { models: rows } = JSON.parse(run.stdout) as Report;
  expect(rows).toMatchObject([
    { target: "fake/openai/gpt-6-luna", asked: 2, written: 2, latency: { samples: 2 }, costUsd: 0, feedback: null },
    { target: "fake/grok/grok-4.3", asked: 2, written: 2 },
  ]);
  const texts = textsOf(run.stdout);
  expect(texts).toMatchObject([
    { target: "fake/openai/gpt-6-luna", score: null, result: { status: "succeeded" } },
    {},
    {},
    {},
  ]);
  expect(new Set(texts.map(({ result }) => result.text)).size, "texts differ").toBeGreaterThan(1);
});

it("without --worker a running worker writes, and a key that it must have is named", async () => {
  await using cli = await openCliSession();
  await using compare = cli.start("compare", ...FAKES, "--agent", "ada", ...TOPICS, "--models", "openai/gpt-6-luna");
  await compare.waitForOutput(
    /note: openai: no key here \(OPENAI_API_KEY or OPENAI_API_KEYS\): a worker that has it must be running/,
  );
  await compare.waitForOutput(/note: no worker is running/);
  await using openai = await startRecordedServer();
  const env = { REDIS_URL: testRedisUrl(), PUPPET_ENGINE_NAMESPACE: cli.namespace };
  await using keyed = await openCliSession({ env: { ...env, OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl } });
  await using worker = keyed.start("worker");
  const { code, stdout, stderr } = await compare.ended;
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^openai\/gpt-6-luna +2\/2 /m);
  worker.signal("SIGTERM");
  expect((await worker.ended).code).toBe(0);
});

it("Ctrl-C: exit 130 and the command that goes on", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { fake: { latencyMs: 60_000 }, worker: { graceSeconds: 0.1 } });
  const command = [
    "compare",
    ...FAKES,
    "--agent",
    "ada",
    "--topic",
    "it's tea",
    "--html",
    "my report.html",
    "--worker",
  ];
  await using compare = cli.start(...command);
  await onRedis(async (redis) => {
    const { workers, job } = controlKeys(cli.namespace);
    const isCalling = async (): Promise<boolean> =>
      (await redis.keys(job("*"))).length === 2 && (await redis.exists(workers)) === 1;
    await waitFor(isCalling, { timeoutMs: 20_000 });
  });
  compare.signal("SIGINT");
  await compare.waitForOutput(/^stopping: letting calls in flight finish; once more aborts them$/m);
  const { code, stdout, stderr } = await compare.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  const name = /^comparison (c[0-9a-f]{8}):/m.exec(stderr)?.[1];
  const resume = `--models fake/fake-1,fake/fake-2 --agent ada --topic 'it'\\''s tea' --name ${name} --html 'my report.html' --worker`;
  expect(stderr).toContain(`  puppet-engine compare ${resume}\n`);
  await cli.write("config.json", {});
  const resumed = await cli.run(...command, "--name", String(name));
  expect(resumed.code, resumed.stderr).toBe(0);
  expect((await onRedis((redis) => redis.keys(controlKeys(cli.namespace).job("*")))).length).toBe(2);
}, 60_000);

it("an existing report is refused before anything is asked; --force replaces it", async () => {
  await using cli = await openCliSession();
  await cli.write("report.html", "precious");
  const command = ["compare", ...FAKES, "--agent", "ada", "--topic", "tea", "--worker", "--html", "report.html"];
  const refused = await cli.run(...command);
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    "error: report.html: got a file that exists; expected a new file, or --force to replace it",
  );
  expect(await cli.read("report.html")).toBe("precious");
  expect(await requestsMade(cli)).toBe(0);
  expect((await cli.run(...command, "--force")).code).toBe(0);
  expect(await cli.read("report.html")).toMatch(/^<!doctype html>/);
});

const ADA = ["--agent", "ada", "--topic", "tea"];

it.concurrent.each([
  ["no models", ["compare", ...ADA], 2, /required option '--models <provider\/model,…>' not specified/],
  [
    "a bare model",
    ["compare", "--models", "gpt-6-luna", ...ADA],
    2,
    /^error: --models: got "gpt-6-luna"; expected a provider and a model with \/ between/m,
  ],
  ["no jobs", ["compare", ...FAKES], 2, /^error: jobs: got nothing; expected a file of jobs, or --agent and --topic$/m],
  [
    "a topic without an agent",
    ["compare", ...FAKES, "--topic", "tea"],
    2,
    /^error: --agent: got nothing; expected with --topic, the id of an agent: one of ada, echo/m,
  ],
  [
    "an unknown agent",
    ["compare", ...FAKES, "--agent", "adda", "--topic", "tea"],
    2,
    /^error: --agent: got "adda"; expected the id of an agent: .*did you mean "ada"/m,
  ],
  [
    "topics beside a file",
    ["compare", "jobs.csv", ...FAKES, ...ADA],
    2,
    /^error: --topic: got topics and a file; expected one of them$/m,
  ],
  [
    "a name that is none",
    ["compare", "jobs.csv", ...FAKES, "--name", "a b"],
    2,
    /'--name <name>'.*Expected 1–40 characters of A–Z a–z 0–9 _ -/,
  ],
  [
    "a report in no folder",
    ["compare", ...FAKES, ...ADA, "--html", "no/report.html"],
    2,
    /^error: no\/report\.html: got a folder that does not exist; expected one that does$/m,
  ],
  [
    "no key for --worker",
    ["compare", "--models", "grok/a,openai/b,openai/c", ...ADA, "--worker"],
    2,
    /^error: environment OPENAI_API_KEY or OPENAI_API_KEYS: got nothing; expected the key of openai, for ada \(or --fake/m,
  ],
  [
    "a file that is missing",
    ["compare", "nowhere.csv", ...FAKES],
    2,
    /^error: nowhere\.csv: got nothing: it does not exist; expected a file$/m,
  ],
  [
    "a file without rows",
    ["compare", "empty.csv", ...FAKES],
    2,
    /^error: empty\.csv: got 0 rows; expected at least one row$/m,
  ],
  [
    "rows that are no jobs",
    ["compare", "jobs.csv", ...FAKES],
    3,
    /^error: jobs\.csv:3 agent: got "nobody"; expected one of ada/m,
  ],
  [
    "too many jobs",
    ["compare", "many.csv", ...FAKES],
    2,
    /^error: many\.csv: got too many jobs; expected at most 5000 for 2 models \(--limit/m,
  ],
])("%s: the exit code, what is wrong, and nothing is asked", async (_, args, exitCode, message) => {
  await using cli = await openCliSession();
  await cli.write("jobs.csv", "agent,topic\nada,tea\nnobody,tea\n");
  await cli.write("empty.csv", "agent,topic\n");
  await cli.write("many.csv", `agent,topic\n${Array.from({ length: 5001 }, (__, index) => `ada,${index}\n`).join("")}`);
  const { code, stdout, stderr } = await cli.run(...args);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  expect(stderr).toMatch(message);
  expect(await onRedis(async (redis) => await redis.keys(controlKeys(cli.namespace).job("*")))).toEqual([]);
});

const CHROMIUM = findChromium(process.env["PATH"] ?? "");
const SKIPPED = CHROMIUM === null ? " (skipped: no Chromium here; node scripts/install-chromium.mjs installs it)" : "";

describe.skipIf(CHROMIUM === null)(`the report in Chromium${SKIPPED}`, { timeout: 60_000 }, () => {
  const SCRIPT = `</p><script>alert(1)</script><img src="http://evil.example/x" onerror="alert(2)" />`;

  it.each([1280, 390])("is %i px wide, runs nothing and asks nobody, whatever the texts are", async (width) => {
    await using openai = await startRecordedServer(completionAnswer({ text: SCRIPT }));
    await using cli = await openCliSession({ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl } });
    const models = ["--models", `openai/gpt-6-luna,openai/${"m".repeat(128)},fake/fake-1`];
    // Both name the link, which would be held as a foreign one otherwise.
    const topics = ["--topic", SCRIPT, "--topic", `${"x".repeat(300)} ${SCRIPT}`];
    const run = await cli.run("compare", ...models, "--agent", "ada", ...topics, "--worker", "--html", "report.html");
    expect(run.code, run.stderr).toBe(0);
    const url = pathToFileURL(join(cli.folder, "report.html")).href;
    await using browser = await openBrowserPage({
      executablePath: CHROMIUM ?? "",
      url,
      viewport: { width, height: 800 },
    });
    const { page, faults } = browser;
    expect(await page.locator(".body").first().textContent()).toBe(SCRIPT);
    expect(await page.locator("h3").first().textContent()).toBe(SCRIPT);
    expect(await page.locator("script, img").count()).toBe(0);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    expect(await page.evaluate("getComputedStyle(document.body).marginTop"), "its style sheet is allowed").toBe("0px");
    const reading = "new DOMParser().parseFromString(document.documentElement.outerHTML, 'text/html').title";
    expect(await page.evaluate(reading)).toMatch(/^three models, two jobs: comparison c[0-9a-f]{8}$/);
    expect(faults).toEqual([]);
  });
});
