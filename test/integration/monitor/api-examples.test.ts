import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/platform/package-root.ts";
import { runProgram } from "../../support/run-program.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { openApiSystem, MIA, type ApiSystem } from "./open-api.ts";

const EXAMPLES = join(packageRoot(), "examples/api");
const TOKEN = "operators";

/** Why a test that needs a program is left out; `null`: it is there. */
function missing(program: string): string | null {
  return spawnSync(program, ["--version"]).status === 0 ? null : `${program} is not on this machine`;
}

async function openSystem(): Promise<ApiSystem> {
  const opened = await openApiSystem({ agents: [MIA], monitor: { token: TOKEN } });
  await opened.system.startWorker();
  return opened;
}

describe("examples/api/curl.sh", () => {
  const reason = missing("curl");
  it.skipIf(reason !== null)(
    `enqueues, waits, and tells what it cost${reason === null ? "" : ` (${reason})`}`,
    async () => {
      await using opened = await openSystem();
      const run = async (token: string) =>
        await runProgram("bash", [join(EXAMPLES, "curl.sh")], {
          env: { MONITOR_URL: opened.monitor.url, MONITOR_TOKEN: token, AGENT: "mia" },
        });
      const first = await run(TOKEN);
      expect(first).toMatchObject({ code: 0, stderr: "" });
      const answers = first.stdout
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as object);
      expect(answers).toMatchObject([
        { id: "curl-example-rain", status: "enqueued", result: { status: "succeeded" } },
        { id: "curl-example", state: "running", total: 3 },
        { summary: { enqueued: 3, refused: 0 } },
        ...["1", "2", "3"].map((number) => ({ id: `curl-example-${number}`, status: "succeeded" })),
        { changed: true, run: { state: "done", done: { succeeded: 3 } } },
        { id: "curl-example-1", score: 0.8 },
      ]);
      expect(first.stdout).toMatch(/^agent,requests,.*\r\nmia,4,/m);
      expect((await run(TOKEN)).code, "nothing is done twice").toBe(0);
      expect(await opened.system.expectAccounted()).toHaveLength(4);
      expect(await run("wrong")).toMatchObject({
        code: 22,
        stdout: expect.stringContaining("a token is needed") as string,
      });
    },
  );
});

const reason = missing("python3");
describe.skipIf(reason !== null)(`examples/api/producer.py${reason === null ? "" : ` (${reason})`}`, () => {
  it("writes a tweet for each topic, once, through whatever befalls its requests", async () => {
    await using opened = await openSystem();
    await using folder = await makeTempFolder();
    const rows = Array.from({ length: 30 }, (_, index) => `mia,"topic ${index}, or so",calm\n`);
    await writeFile(join(folder.path, "topics.csv"), `agent,topic,mood\n${rows.join("")}nobody,x,\n`);
    await using proxy = await startProxy(opened.monitor.url);
    const run = async () =>
      await runProgram("python3", [join(EXAMPLES, "producer.py"), "topics.csv", "tweets.jsonl", "--run", "evening"], {
        cwd: folder.path,
        env: { MONITOR_URL: proxy.url, MONITOR_TOKEN: TOKEN, PYTHONDONTWRITEBYTECODE: "1" },
      });
    const first = await run();
    expect(first.stderr).toMatch(/^refused: job agent: got "nobody"; expected the id of an agent: mia\n$/);
    expect(first).toMatchObject({ code: 4, stdout: "31 jobs, 1 failed, 0 USD; written to tweets.jsonl\n" });
    expect(proxy.failures()).toBe(5);
    const lines = (await readFile(join(folder.path, "tweets.jsonl"), "utf8")).trim().split("\n");
    const results = lines.map((line) => JSON.parse(line) as { id: string; status: string });
    expect(results.map(({ id }) => id)).toEqual(rows.map((_, index) => `evening-${index + 2}`));
    expect(results.every(({ status }) => status === "succeeded")).toBe(true);
    expect(await run(), "again").toMatchObject({ code: 4 });
    expect(await opened.system.expectAccounted()).toHaveLength(30);
    expect(await opened.api.expect(200, "GET /runs/evening")).toMatchObject({ state: "done", done: { succeeded: 30 } });
  });

  it("is a class for other programs, which says what was wrong", async () => {
    await using opened = await openSystem();
    const program = `
from producer import ApiError, PuppetEngine

engine = PuppetEngine()
job = engine.enqueue({"kind": "content", "agent": "mia", "prompt": "A haiku."}, wait=60)
assert job["result"]["status"] == "succeeded", job
assert engine.result(job["id"]) == job["result"]
assert engine.job(job["id"])["calls"] == 1
engine.feedback(job["id"], 1)
assert engine.cancel(job["id"]) == "settled"
engine.begin_run("r", total=1, agent="mia")
engine.change_run("r", "pause")
[outcome] = engine.enqueue_many([{"kind": "tweet"}], run="r")
assert engine.result(outcome["id"], wait=1) is None
assert engine.run("r")["state"] == "paused"
try:
    engine.enqueue({"kind": "tweet", "agent": "mia", "mood": 1})
except ApiError as error:
    print(error.status, error.problems[0]["path"], error)
`;
    const ended = await runProgram("python3", ["-c", program], {
      cwd: EXAMPLES,
      env: { MONITOR_URL: opened.monitor.url, MONITOR_TOKEN: TOKEN, PYTHONDONTWRITEBYTECODE: "1" },
    });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^400 mood 400: job mood: got an unknown field; expected /);
  });

  it("says why it cannot", async () => {
    const ended = await runProgram(
      "python3",
      ["-c", "from producer import PuppetEngine; PuppetEngine(tries=1).run('r')"],
      { cwd: EXAMPLES, env: { MONITOR_URL: "http://127.0.0.1:1", PYTHONDONTWRITEBYTECODE: "1" } },
    );
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("Connection refused") as string });
  });
});

interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** How many requests went wrong. */
  failures(): number;
}

/** Stands before the monitor. Of the first requests every other one goes wrong, each in another way. */
async function startProxy(monitor: string): Promise<Proxy> {
  const refuse = (status: number) => async (_request: IncomingMessage, response: ServerResponse) =>
    void response
      .writeHead(status, { "retry-after": "0", "content-type": "application/json" })
      .end('{"error":"later"}');
  const forward = async (request: IncomingMessage, response: ServerResponse) => await pass(monitor, request, response);
  const WAYS = [
    async ({ socket }: IncomingMessage) => void socket.destroy(),
    refuse(429),
    // It arrives, and its answer is lost.
    async (request: IncomingMessage) => {
      await pass(monitor, request, null);
      request.socket.destroy();
    },
    refuse(503),
    async (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { "content-length": "100" }).write('{"half":');
      response.destroy();
    },
  ];
  let seen = 0;
  let failed = 0;
  const server = createServer((incoming, response) => {
    const way = seen++ % 2 === 0 ? WAYS[failed] : undefined;
    if (way !== undefined) failed++;
    void (way ?? forward)(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failures: () => failed,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param response `null`: the answer is thrown away */
async function pass(monitor: string, incoming: IncomingMessage, response: ServerResponse | null): Promise<void> {
  const body = await buffer(incoming);
  const { host: _host, ...headers } = incoming.headers;
  const sent = request(`${monitor}${incoming.url}`, { method: incoming.method ?? "GET", headers, agent: false });
  const answered = Promise.withResolvers<IncomingMessage>();
  sent.on("response", answered.resolve).on("error", answered.reject).end(body);
  const answer = await answered.promise;
  const content = await buffer(answer);
  response?.writeHead(answer.statusCode ?? 500, answer.headers).end(content);
}
