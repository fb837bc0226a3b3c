import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { canary, findCanaries, readAllFiles, readWholeRedis, type Canaries } from "../support/canary.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { ECHOES, echo, echoMarker } from "../support/echoing-answers.ts";
import { freePort } from "../support/free-port.ts";
import { startCollector } from "../support/otlp-collector.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { connectTestRedis } from "../support/redis.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

/** In the shapes of vendors' keys, and some that look like nothing in particular. */
function makeCanaries() {
  return {
    openai: canary("canary-7f3k/", "+&end"),
    grok: canary("xai-canary0"),
    anthropic: canary("sk-ant-api03-canary0"),
    gemini: canary("AIzaSycanary0"),
    lab: canary("gsk_canary0"),
    header: canary("canary-header-"),
    redis: canary("canary/redis+"),
    operator: canary("canary-operator-"),
    viewer: canary("canary-viewer-"),
    hook: canary("canary-hook-"),
    signing: canary("canary-signing-"),
    traces: canary("canary-traces-"),
  } satisfies Canaries;
}

const PROVIDERS = ["openai", "grok", "anthropic", "gemini", "lab"];

const JOBS = Object.keys(ECHOES).flatMap((name, index) =>
  PROVIDERS.map((provider) => ({
    kind: "content",
    id: `${provider}-${index}`,
    agent: name.includes("stream") ? `${provider}-stream` : provider,
    prompt: `Write about kettles. ${echoMarker(name)}`,
  })),
);

const SETTINGS = {
  retries: { attempts: 1, baseSeconds: 0.005, capSeconds: 0.01 },
  limits: PROVIDERS.map((provider) => ({ provider, requestsPerMinute: 1e9 })),
  // Nothing is left alone for long: every answer must be had.
  pauseSeconds: 0.001,
  breaker: { minCalls: 10_000 },
  maxWaitSeconds: { scheduled: 0.5, bulk: 0.5, reply: 0.5 },
  variety: { enabled: false },
};

interface Around {
  readonly secrets: ReturnType<typeof makeCanaries>;
  readonly vendor: RecordedServer;
  readonly receiver: RecordedServer;
  readonly redisUrl: string;
  readonly port: number;
}

function environmentOf({ secrets, vendor, receiver, redisUrl, port }: Around): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secrets.traces}`,
    REDIS_URL: redisUrl.replace("redis://", `redis://:${encodeURIComponent(secrets.redis)}@`),
    PUPPET_ENGINE_CONFIG: "config.json",
    LOG_LEVEL: "trace",
    ...{ OPENAI_API_KEY: secrets.openai, OPENAI_BASE_URL: vendor.baseUrl },
    ...{ GROK_API_KEY: secrets.grok, GROK_API_ENDPOINT: vendor.baseUrl },
    ...{ ANTHROPIC_API_KEY: secrets.anthropic, ANTHROPIC_BASE_URL: vendor.baseUrl },
    ...{ GEMINI_API_KEY: secrets.gemini, GEMINI_BASE_URL: vendor.baseUrl },
    ...{ LAB_KEY: secrets.lab, LAB_TEAM: secrets.header },
    ...{ MONITOR_TOKEN: secrets.operator, MONITOR_VIEWER_TOKEN: secrets.viewer, MONITOR_PORT: String(port) },
    ALERT_WEBHOOK_URL: `${receiver.baseUrl}/services/${secrets.hook}`,
    ALERT_WEBHOOK_SECRET: secrets.signing,
  };
}

async function writeFiles(cli: CliSession, { vendor }: Around): Promise<void> {
  const lab = { baseUrl: vendor.baseUrl, model: "lab-1", keyVariable: "LAB_KEY" };
  const headers = { "x-team": { variable: "LAB_TEAM" } };
  await cli.write("config.json", { ...SETTINGS, endpoints: { lab: { ...lab, headers } } });
  for (const provider of PROVIDERS) {
    for (const stream of [false, true]) {
      const id = stream ? `${provider}-stream` : provider;
      const agent = {
        id,
        name: id,
        llm_provider: provider,
        custom_system_prompt: "You write.",
        llm_config: { stream },
      };
      await cli.write(`agents/${id}.json`, agent);
    }
  }
  await cli.write("jobs.jsonl", JOBS.map((job) => JSON.stringify(job)).join("\n"));
}

const PAGES = [
  ...["/metrics", "/healthz", "/readyz", "/", "/results", "/runs", "/usage", "/login", "/nothing-here"],
  ...["/api/v1/health", "/api/v1/lanes", "/api/v1/runs", "/api/v1/usage", "/api/v1/usage.csv", "/api/v1/openapi.json"],
  "/board/api/queues",
  ...JOBS.flatMap(({ id }) => [`/results/${id}`, `/api/v1/jobs/${id}`]),
];

type Places = Map<string, string>;

/** What the monitor answers: to operators, to who is refused, and to who sends a key where none belongs. */
async function readMonitor(places: Places, { secrets, port }: Around): Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  const read = async (name: string, path: string, init: RequestInit): Promise<void> => {
    const answer = await fetch(`${url}${path}`, { redirect: "manual", ...init });
    places.set(name, `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`);
  };
  const headers = { authorization: `Bearer ${secrets.operator}` };
  for (const path of PAGES) await read(`GET ${path}`, path, { headers });
  const wrong = { "another secret": `Bearer ${secrets.openai}`, "a password": `Basic ${btoa(`x:${secrets.redis}`)}` };
  for (const [name, authorization] of Object.entries(wrong))
    await read(`with ${name}`, "/", { headers: { authorization } });
  const body = JSON.stringify({ ...JOBS[0], id: "with-key", api_key: secrets.openai, urgency: secrets.grok });
  await read("POST", "/api/v1/jobs", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body,
  });
}

it(
  "secrets: what servers send back of our keys, and every other secret, is in no log, record, answer, file or title",
  { timeout: 120_000 },
  async () => {
    const secrets = makeCanaries();
    await using vendor = await startRecordedServer(echo);
    await using receiver = await startRecordedServer({
      response: { status: 500, headers: {}, bodyText: secrets.hook },
    });
    await using collector = await startCollector();
    await using data = await makeTempFolder();
    await using server = await startLocalRedis(["--dir", data.path]);
    await using redis = await connectTestRedis({}, server.url);
    await redis.config("SET", "requirepass", secrets.redis);
    await using listener = await connectTestRedis({ password: secrets.redis }, server.url);
    const heard: string[] = [];
    listener.on("pmessage", (_pattern: string, channel: string, message: string) =>
      heard.push(`${channel} ${message}`),
    );
    await listener.psubscribe("*");

    const around = { secrets, vendor, receiver, redisUrl: server.url, port: await freePort() };
    await using cli = await openCliSession({ env: { ...collector.environment, ...environmentOf(around) } });
    await writeFiles(cli, around);
    const places: Places = new Map();
    await using worker = cli.start("start");
    await worker.waitForOutput(/is taking jobs/);
    places.set("title", await readFile(`/proc/${worker.pid}/cmdline`, "utf8"));
    const bulk = await cli.run("bulk", "jobs.jsonl", "--out", "out.jsonl");
    expect(bulk, bulk.stderr).toMatchObject({ code: 4 });
    places.set("bulk", bulk.stdout + bulk.stderr);
    const tested = await cli.run("alerts", "test");
    places.set("alerts test", tested.stdout + tested.stderr);
    await readMonitor(places, around);
    worker.signal("SIGTERM");
    const ended = await worker.ended;
    places.set("worker", ended.stdout + ended.stderr);
    places.set("traces", collector.bodies);
    places.set("webhook", receiver.calls.map(({ bodyText }) => bodyText).join("\n"));
    places.set("channels", heard.join("\n"));
    for (const found of [await readWholeRedis(redis), await readAllFiles(cli.folder), await readAllFiles(data.path)])
      for (const [place, content] of found) places.set(place, content);

    expect(findCanaries(places, secrets)).toEqual([]);
    // All of it has happened: each server's word came to each of our keys, and every place had something to say.
    expect(vendor.calls.length).toBeGreaterThanOrEqual(JOBS.length);
    for (const place of [
      "worker",
      "channels",
      "traces",
      "webhook",
      "GET /metrics",
      "GET /results/openai-0",
      "file out.jsonl",
    ])
      expect(places.get(place)?.length, place).toBeGreaterThan(300);
    expect([...places.keys()].filter((place) => place.startsWith("Redis ")).length).toBeGreaterThan(JOBS.length);
  },
);
