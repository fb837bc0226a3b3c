import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import type { GenerationResult } from "../../src/job/generation-result.ts";
import type { JobInput } from "../../src/job/generation-job.ts";
import type { UsageRecord } from "../../src/job/usage-record.ts";
import {
  TEST_KEYS,
  expectNoOpenIntent,
  startSystem,
  withQuickRetries,
  type GenerationSystem,
  type SystemOptions,
} from "./generation-system.ts";
import { promptMarker } from "./limited-vendor.ts";
import { testRedisUrl } from "./redis.ts";
import { startCli, type ProgramResult, type RunningProgram } from "./run-cli.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { expectBalancedBooks } from "./usage-books.ts";

export interface FleetOptions extends Omit<SystemOptions, "openai" | "grok"> {
  /** How many workers; default 2. */
  readonly processes?: number;
  /** Jobs in work per process; default 16. */
  readonly concurrency?: number;
  /** Where OpenAI is; also a vendor with limits. */
  readonly openai?: { readonly baseUrl: string };
  readonly grok?: { readonly baseUrl: string };
  /** More of the workers' environment; wins. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Workers as processes of their own, and a producer in this one, on a namespace of their own. */
export interface WorkerFleet extends Pick<GenerationSystem, "redis" | "namespace" | "keys" | "producer" | "lane"> {
  readonly workers: readonly RunningProgram[];
  /** Runs `puppet-engine <args>` in the workers' environment. */
  cli(...args: string[]): Promise<ProgramResult>;
  /** Enqueues `content` jobs with a marker that a vendor finds in their prompts, and returns their ids. */
  enqueue(count: number, jobs: MarkedJobs): Promise<readonly string[]>;
  results(ids: readonly string[]): Promise<readonly GenerationResult[]>;
  /** How many attempts each process has logged. */
  attemptsByWorker(): readonly number[];
  /** Of all processes. */
  logLines(): readonly Readonly<Record<string, unknown>>[];
  rows(): Promise<readonly UsageRecord[]>;
  /** Hash of a limit group, whose key is not known, e.g. of `openai/gpt-6-luna`. */
  limitGroup(start: string): Promise<Readonly<Record<string, string>>>;
  /** Asserts balanced books, no open intent, and a row for each of so many calls that vendors saw. */
  expectAccounted(calls: number): Promise<readonly UsageRecord[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Ids are `<name>-0` and so on. */
export interface MarkedJobs {
  readonly name: string;
  readonly agent: string;
  readonly urgency?: "reply" | "scheduled" | "bulk";
  readonly deadline?: number;
}

const READY = /is taking jobs/;
const PATIENCE_MS = 25_000;

/** The workers are ready when it returns. */
export async function startFleet(options: FleetOptions): Promise<WorkerFleet> {
  const { processes = 2, concurrency = 16, openai, grok, env = {}, settings } = options;
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeTempFolder());
  const system = stack.use(await startSystem(systemOptions(options)));
  const { redis, namespace } = system;
  const config = join(folder.path, "config.json");
  await writeFile(config, JSON.stringify(withQuickRetries(settings)));
  const environment = {
    REDIS_URL: testRedisUrl(),
    PUPPET_ENGINE_NAMESPACE: namespace,
    PUPPET_ENGINE_CONFIG: config,
    WORKER_CONCURRENCY: String(concurrency),
    ...(openai !== undefined && { OPENAI_API_KEY: TEST_KEYS.openai, OPENAI_BASE_URL: openai.baseUrl }),
    ...(grok !== undefined && { GROK_API_KEY: TEST_KEYS.grok, GROK_API_ENDPOINT: grok.baseUrl }),
    ...env,
  };
  const program = { cwd: folder.path, env: environment };
  const workers = Array.from({ length: processes }, () => stack.use(startCli(["worker"], program)));
  await Promise.all(workers.map(async (worker) => await worker.waitForOutput(READY)));
  const owned = stack.move();
  return {
    ...partsOf(system),
    workers,
    cli: async (...args) => {
      await using running = startCli(args, program);
      return await running.ended;
    },
    attemptsByWorker: () => workers.map((worker) => linesOf([worker]).filter(isAttempt).length),
    logLines: () => linesOf(workers),
    async expectAccounted(calls) {
      const { rows } = await expectBalancedBooks(redis, namespace);
      expect(rows.filter(({ sent }) => sent !== "no").length, "rows = calls that vendors saw").toBe(calls);
      await expectNoOpenIntent(redis, namespace);
      for (const key of Object.values(TEST_KEYS)) for (const { stderr } of workers) expect(stderr).not.toContain(key);
      return rows;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function systemOptions({ agents, settings, openai, grok }: FleetOptions): SystemOptions {
  return {
    ...(agents !== undefined && { agents }),
    ...(settings !== undefined && { settings }),
    ...(openai !== undefined && { openai: openai.baseUrl }),
    ...(grok !== undefined && { grok: grok.baseUrl }),
  };
}

type SystemParts = Pick<
  WorkerFleet,
  "redis" | "namespace" | "keys" | "producer" | "lane" | "enqueue" | "results" | "rows" | "limitGroup"
>;

function partsOf({ redis, namespace, keys, producer, lane, rows }: GenerationSystem): SystemParts {
  return {
    ...{ redis, namespace, keys, producer, lane, rows },
    async enqueue(count, jobs) {
      const inputs = Array.from({ length: count }, (_, index) => inputOf(jobs, index));
      const { enqueued } = await producer.enqueueMany(inputs);
      expect(enqueued).toBe(count);
      return inputs.map(({ id }) => String(id));
    },
    results: async (ids) =>
      await Promise.all(
        ids.map(async (id) => {
          const result = await producer.result(id, { waitMs: PATIENCE_MS });
          if (result === null) throw new Error(`no result of ${id}`);
          return result;
        }),
      ),
    async limitGroup(start) {
      const [key = ""] = await redis.keys(`{${namespace}}:limits:${start}*`);
      return await redis.hgetall(key);
    },
  };
}

function inputOf({ name, agent, urgency = "scheduled", deadline }: MarkedJobs, index: number): JobInput {
  const id = `${name}-${index}`;
  const input = { kind: "content" as const, id, agent, urgency, prompt: `Write about kettles. ${promptMarker(id)}` };
  return deadline === undefined ? input : { ...input, deadline };
}

function linesOf(workers: readonly RunningProgram[]): Record<string, unknown>[] {
  return workers.flatMap(({ stderr }) =>
    stderr
      .split("\n")
      // The last line may not be complete yet.
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}

function isAttempt({ attempt, outcome }: Readonly<Record<string, unknown>>): boolean {
  return attempt !== undefined && outcome !== undefined;
}
