import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Queue, type Job } from "bullmq";
import { Redis } from "ioredis";
import { pino } from "pino";
import { expect } from "vitest";
import { claimJobs } from "../../src/admission/claims.ts";
import { controlKeys, type ControlKeys } from "../../src/admission/keys.ts";
import type { Agent } from "../../src/agents/agent.ts";
import { parseAgentObject } from "../../src/agents/parse-agent.ts";
import { compileOptions, composeProducer } from "../../src/compose.ts";
import { composeWorker } from "../../src/compose-worker.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { GenerationResult } from "../../src/job/generation-result.ts";
import type { JobInput } from "../../src/job/generation-job.ts";
import type { UsageRecord } from "../../src/job/usage-record.ts";
import { laneOf, lanePrefix } from "../../src/queue/lane.ts";
import type { Producer } from "../../src/queue/producer.ts";
import type { GenerationWorker } from "../../src/queue/worker.ts";
import { openTracing } from "../../src/telemetry/open-tracing.ts";
import type { RecordedServer } from "./recorded-server.ts";
import { connectTestRedis, testNamespace, testRedisUrl } from "./redis.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { readBooks } from "./read-books.ts";
import { expectBalancedBooks } from "./usage-books.ts";
import { waitFor } from "./wait-for.ts";

/** Keys that no log line and no record may hold. */
export const TEST_KEYS = { openai: "sk-test-0123456789abcdef", grok: "xai-test-fedcba9876543210" } as const;

/** No connection is ever accepted here: port 1 is reserved and nobody listens on it. */
export const CLOSED_PORT_URL = "http://127.0.0.1:1/v1";

/** OpenAI first, Grok as its fall-back; the prompt says who it is. */
export const ADA = {
  id: "ada",
  name: "Ada",
  llm_provider: "openai",
  custom_system_prompt: "You are Ada, who writes short posts about machines.",
  llm_config: { model: "gpt-6-luna", fallback_provider: "grok", fallback_config: { model: "grok-4.3" } },
};

/** OpenAI alone. */
export const NORI = { ...ADA, id: "nori", name: "Nori", llm_config: { model: "gpt-6-luna" } };

/** Limits that are known and never reached: otherwise the very first call is alone until its answer shows them. */
const AMPLE = ["openai", "grok"].map((provider) => ({ provider, requestsPerMinute: 1e9 }));

export interface SystemOptions {
  readonly openai?: RecordedServer | string;
  readonly grok?: RecordedServer | string;
  /** Agent files; default `ADA` and `NORI`. */
  readonly agents?: readonly unknown[];
  /** The configuration file; waits between retries are a few milliseconds unless it says otherwise. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Further variables, e.g. of other providers. */
  readonly environment?: Readonly<Record<string, string>>;
  /** That of another system, which both work on then. */
  readonly namespace?: string;
}

/** A producer and any number of workers in this process, on a namespace of their own. */
export interface GenerationSystem extends AsyncDisposable {
  readonly redis: Redis;
  readonly namespace: string;
  readonly keys: ControlKeys;
  readonly producer: Producer;
  /** What all workers have logged, from debug level on. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** @param options.alertsEveryMs how often it is looked for alerts */
  startWorker(options?: { readonly concurrency?: number; readonly alertsEveryMs?: number }): Promise<GenerationWorker>;
  /** A second producer, whose agents are others. */
  producerOf(agents: readonly unknown[]): Producer;
  /** Enqueues a job and waits for its result. */
  run(input: JobInput): Promise<GenerationResult>;
  resultOf(jobId: string): Promise<GenerationResult>;
  /** Usage rows in the order in which they were written. */
  rows(): Promise<readonly UsageRecord[]>;
  lane(name: string): Queue;
  /** The queue's own view of a job, when it is in one of these states. */
  queued(lane: string, jobId: string, ...states: string[]): Promise<Job>;
  /**
   * Asserts what must be true at the end of every test: balanced books, no open intent, and a row for exactly those
   * calls that the servers saw.
   */
  expectAccounted(): Promise<readonly UsageRecord[]>;
}

export async function startSystem(options: SystemOptions = {}): Promise<GenerationSystem> {
  const redis = await connectTestRedis();
  const { namespace = testNamespace() } = options;
  const config = await configOf(options, namespace);
  const address = { url: testRedisUrl() };
  const agents = agentsOf(options.agents ?? [ADA, NORI], config);
  // A worker finds lanes that appear later within a second; most tests need not wait for that.
  await claimJobs(redis, namespace, { requests: [], lanes: lanesOf([...agents.values()]) });
  const lines: string[] = [];
  const logs: Record<string, unknown>[] = [];
  const logger = pino({ level: "debug", base: null }, { write: (line) => void logs.push(parseLine(line, lines)) });
  const stack = new AsyncDisposableStack();
  stack.use(redis);
  const tracing = stack.use(
    await openTracing({ config: config.tracing, warn: (warning) => void logs.push({ warning }) }),
  );
  const producerOf: GenerationSystem["producerOf"] = (files) =>
    stack.use(composeProducer({ config, address, agents: agentsOf(files, config), tracing }));
  const producer = stack.use(composeProducer({ config, address, agents, tracing }));
  const lanes = laneOpener(namespace, stack);
  const rows = async (): Promise<readonly UsageRecord[]> => (await readBooks(redis, namespace)).rows;

  const resultOf = async (jobId: string): Promise<GenerationResult> => {
    const result = await producer.result(jobId, { waitMs: 20_000 });
    if (result === null) throw new Error(`no result of ${jobId}; the workers logged:\n${lines.join("")}`);
    return result;
  };
  return {
    ...{ redis, namespace, keys: controlKeys(namespace), producer, logs, producerOf, resultOf, rows },
    async startWorker({ concurrency = 16, ...alerts } = {}) {
      const worker = await composeWorker({ config: { ...config, concurrency }, address, logger, tracing, ...alerts });
      stack.defer(async () => void (await worker.stop({ graceMs: 0 })));
      return worker;
    },
    run: async (input) => await resultOf((await producer.enqueue(input)).id),
    lane: lanes,
    queued: async (lane, jobId, ...states) => await queuedJob(lanes(lane), jobId, states),
    async expectAccounted() {
      const books = await expectBalancedBooks(redis, namespace);
      expectSeenCallsInRows(books.rows, options);
      await expectNoOpenIntent(redis, namespace);
      for (const key of Object.values(TEST_KEYS)) expect(lines.join("")).not.toContain(key);
      return books.rows;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Read as a worker reads it: the file's endpoints are providers as well. */
async function configOf(options: SystemOptions, namespace: string): Promise<ReturnType<typeof loadConfig>> {
  const { openai, grok, settings, environment: others } = options;
  await using folder = await makeTempFolder();
  await writeFile(join(folder.path, "settings.json"), JSON.stringify(withQuickRetries(settings)));
  const environment = {
    REDIS_URL: testRedisUrl(),
    PUPPET_ENGINE_NAMESPACE: namespace,
    PUPPET_ENGINE_CONFIG: "settings.json",
    ...(openai !== undefined && { OPENAI_API_KEY: TEST_KEYS.openai, OPENAI_BASE_URL: urlOf(openai) }),
    ...(grok !== undefined && { GROK_API_KEY: TEST_KEYS.grok, GROK_API_ENDPOINT: urlOf(grok) }),
    ...others,
  };
  return loadConfig({ environment, directory: folder.path, isTerminal: false });
}

/** The configuration file of a test. */
export function withQuickRetries(settings: SystemOptions["settings"]): Readonly<Record<string, unknown>> {
  return { retries: { baseSeconds: 0.005, capSeconds: 0.02 }, limits: AMPLE, variety: { enabled: false }, ...settings };
}

function urlOf(server: RecordedServer | string): string {
  return typeof server === "string" ? server : server.baseUrl;
}

function agentsOf(files: readonly unknown[], config: ReturnType<typeof loadConfig>): ReadonlyMap<string, Agent> {
  const agents = files.map((file) => parseAgentObject("agent", file, compileOptions(config)).agent);
  return new Map(agents.map((agent) => [agent.id, agent]));
}

function lanesOf(agents: readonly Agent[]): ReadonlyMap<string, string> {
  return new Map(agents.map(laneOf).map(({ name, chain }) => [name, chain]));
}

function parseLine(line: string, lines: string[]): Record<string, unknown> {
  lines.push(line);
  return JSON.parse(line) as Record<string, unknown>;
}

/** Queues as BullMQ sees them, to look at jobs and to do what only strangers do. */
function laneOpener(namespace: string, stack: AsyncDisposableStack): (name: string) => Queue {
  let connection: Redis | undefined;
  const queues = new Map<string, Queue>();
  return (name) => {
    if (connection === undefined) {
      const opened = new Redis(testRedisUrl(), { maxRetriesPerRequest: null });
      stack.defer(() => opened.disconnect());
      connection = opened;
    }
    const queue = queues.get(name) ?? new Queue(name, { connection, prefix: lanePrefix(namespace, name) });
    if (!queues.has(name)) stack.defer(async () => await queue.close());
    queues.set(name, queue);
    return queue;
  };
}

async function queuedJob(queue: Queue, jobId: string, states: readonly string[]): Promise<Job> {
  let found = "";
  return await waitFor(
    async () => {
      found = await queue.getJobState(`j_${jobId}`);
      // Read after its state, or it could be as it was before.
      return states.includes(found) ? ((await queue.getJob(`j_${jobId}`)) as Job | undefined) : undefined;
    },
    { describe: () => `job ${jobId} is ${states.join(" or ")} in ${queue.name}; it is ${found}` },
  );
}

/** Every call that a server saw has its row, and every row that says it was sent, or may have been, has its call. */
function expectSeenCallsInRows(rows: readonly UsageRecord[], { openai, grok }: SystemOptions): void {
  const servers = [openai, grok].filter((server) => server !== undefined && typeof server !== "string");
  const calls = [...new Set(servers)].flatMap((server) => server.calls);
  for (const [provider, key] of Object.entries(TEST_KEYS)) {
    const sent = rows.filter((row) => row.provider === provider && row.sent !== "no").length;
    const seen = calls.filter(({ headers }) => headers["authorization"] === `Bearer ${key}`).length;
    expect({ provider, calls: sent }).toEqual({ provider, calls: seen });
  }
}

export async function expectNoOpenIntent(redis: Redis, namespace: string): Promise<void> {
  const open: string[] = [];
  for await (const keys of redis.scanStream({ match: `{${namespace}}:intents:*`, count: 1000 })) {
    open.push(...(keys as string[]));
  }
  expect(open).toEqual([]);
}
