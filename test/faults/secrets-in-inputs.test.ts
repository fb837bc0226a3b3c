import { join } from "node:path";
import { expect, it } from "vitest";
import { canary, findCanaries, readAllFiles } from "../support/canary.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { startProgram } from "../support/run-cli.ts";

const KEY = canary("canary-7f3k/", "+&end");
const SHAPED = canary("sk-ant-api03-canary0");
const PASSWORD = canary("canary/redis+");
const SECRETS = { KEY, SHAPED, PASSWORD };

/** Asserts that neither the program's output nor a file that it has written holds a secret. */
function expectNoSecret(places: Iterable<readonly [string, string]>): void {
  expect(findCanaries(new Map(places), SECRETS)).toEqual([]);
}

async function expectRefused(cli: CliSession, args: readonly string[], code: number, told: RegExp): Promise<void> {
  const ended = await cli.run(...args);
  const output = ended.stdout + ended.stderr;
  expect({ code: ended.code, output }).toEqual({ code, output: expect.stringMatching(told) as string });
  expectNoSecret([[args.join(" "), output]]);
}

const AGENT = { id: "ada", name: "Ada", llm_provider: "openai" };

it("secrets in inputs: a key in an agent file is refused, and not shown", async () => {
  await using cli = await openCliSession({ env: { OPENAI_API_KEY: KEY } });
  const config = { temperature: KEY, [KEY]: 1, [SHAPED]: 1, model: SHAPED };
  await cli.write("agents/ada.json", { ...AGENT, api_key: KEY, name: SHAPED, llm_config: config });
  await expectRefused(cli, ["enqueue", "tweet", "--agent", "ada", "--topic", "tea"], 2, /ada\.json:1 api_key: /);
});

it("secrets in inputs: a key in a table or a file of jobs is refused, and neither shown nor written", async () => {
  await using cli = await openCliSession({ env: { OPENAI_API_KEY: KEY } });
  await cli.write("agents/ada.json", AGENT);
  await cli.write("rows.csv", `agent,topic,api_key,temperature\nada,tea,${KEY},${SHAPED}\n`);
  const row = { kind: "tweet", agent: "ada", context: { topic: "tea" } };
  const rows = [
    { ...row, api_key: KEY },
    { ...row, urgency: KEY },
    { ...row, [SHAPED]: 1 },
  ];
  await cli.write("rows.jsonl", rows.map((job) => JSON.stringify(job)).join("\n"));
  await expectRefused(cli, ["bulk", "rows.csv", "--out", "csv.out"], 3, /api_key/);
  await expectRefused(cli, ["bulk", "rows.jsonl", "--out", "jsonl.out", "--skip-invalid"], 3, /urgency/);
  const written = await readAllFiles(cli.folder);
  expect(written.get("file jsonl.out.rejects.jsonl")).toContain("api_key");
  expectNoSecret([...written].filter(([name]) => name.includes(".out")));
});

it("secrets in inputs: in the environment and among arguments", async () => {
  const env = {
    OPENAI_API_KEY: `${KEY} with white space`,
    OPENAI_BASE_URL: `https://user:${encodeURIComponent(KEY)}@api.example.com/v1`,
    GROK_API_KEY: SHAPED,
    REDIS_URL: `redis://:${encodeURIComponent(PASSWORD)}@:port`,
    MONITOR_TOKEN: "short",
    LOG_LEVEL: SHAPED,
    ALERT_WEBHOOK_URL: `https://hooks.example.com/${encodeURIComponent(KEY)}#x`,
  };
  await using cli = await openCliSession({ env });
  await expectRefused(cli, ["usage"], 2, /OPENAI_API_KEY[^]*OPENAI_BASE_URL|OPENAI_BASE_URL[^]*OPENAI_API_KEY/);
  await using other = await openCliSession({ env: { GROK_API_KEY: SHAPED } });
  await expectRefused(other, ["enqueue", "tweet", "--agent", "ada", `--${SHAPED}`], 2, /unknown option/);
});

it("secrets in inputs: a Redis that quotes the password", async () => {
  // It answers: ERR unknown command 'AUTH', with args beginning with: '…'.
  await using quoting = await startLocalRedis(["--rename-command", "AUTH", ""]);
  const url = quoting.url.replace("redis://", `redis://:${encodeURIComponent(PASSWORD)}@`);
  await using cli = await openCliSession({ env: { REDIS_URL: url } });
  const { stdout, stderr } = await cli.run("usage");
  expectNoSecret([["output", stdout + stderr]]);
});

/** Crashes the program from outside when it is told to, with an error like those of Redis. */
const CRASH = `data:text/javascript,${encodeURIComponent(`
  const error = () => Object.assign(new Error("AUTH " + process.env.OPENAI_API_KEY, { cause: new Error(process.env.GROK_API_KEY) }),
    { command: { name: "auth", args: [process.env.OPENAI_API_KEY] } });
  process.on("SIGUSR2", () => { throw error(); });
  process.on("SIGPIPE", () => void Promise.reject(error()));
`)}`;

it.each(["SIGUSR2", "SIGPIPE"] as const)(
  "secrets in a crash (%s): an error that nobody caught is told without them",
  async (signal) => {
    await using cli = await openCliSession();
    const env = { ...cli.environment, OPENAI_API_KEY: KEY, GROK_API_KEY: SHAPED };
    const main = join(import.meta.dirname, "../../src/cli/main.ts");
    await using worker = startProgram(["--import", CRASH, main, "worker"], { cwd: cli.folder, env });
    await worker.waitForOutput(/is taking jobs/);
    worker.signal(signal);
    const { code, stderr, stdout } = await worker.ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^crashed: Error: AUTH \[key\]\n\s+at [^]*\ncaused by: Error: \[key\]/m) as string,
    });
    expectNoSecret([["output", stdout + stderr]]);
  },
);
