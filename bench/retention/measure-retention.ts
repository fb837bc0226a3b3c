import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { controlKeys } from "../../src/admission/keys.ts";
import type { Agent } from "../../src/agents/agent.ts";
import { parseAgentObject } from "../../src/agents/parse-agent.ts";
import { compileOptions, composeProducer } from "../../src/compose.ts";
import { composeWorker } from "../../src/compose-worker.ts";
import { configFileSchema } from "../../src/config/config-file.ts";
import { loadConfig, type Config } from "../../src/config/load-config.ts";
import type { TweetInput } from "../../src/job/generation-job.ts";
import { scanKeys } from "../../src/platform/scan-keys.ts";
import type { Producer } from "../../src/queue/producer.ts";

/** Redis at rest: every job so far has ended, and the results are forgotten. */
export interface RetentionSample {
  readonly jobs: number;
  readonly keys: number;
  /** `used_memory`. */
  readonly bytes: number;
  /** The part that the index of the last 100,000 results has. */
  readonly indexBytes: number;
}

export interface RetentionPlan {
  readonly jobs: number;
  readonly agents: number;
  readonly resultsSeconds: number;
  readonly usageRows: number;
}

export interface MeasuredRedis {
  readonly redis: Redis;
  /** Of its Unix socket. */
  readonly path: string;
}

const QUARTERS = 4;
/** Enqueued before the first of them has ended. */
const BATCH = 2000;
const NAMESPACE = "bench";
const DAY_SECONDS = 24 * 3600;

/** Sends jobs of the fake provider's through a worker in this process, and looks at Redis after each quarter. */
export async function measureRetention(
  { redis, path }: MeasuredRedis,
  plan: RetentionPlan,
  onSample: (sample: RetentionSample) => void = () => undefined,
): Promise<RetentionSample[]> {
  const config = configOf(plan);
  const agents = agentsOf(plan.agents, config);
  const address = { path };
  await using producer = composeProducer({ config, address, agents });
  await using _worker = await composeWorker({ config, address, logger: pino({ level: "silent" }) });
  const samples: RetentionSample[] = [];
  for (let quarter = 1, done = 0; quarter <= QUARTERS; quarter++) {
    const until = Math.round((plan.jobs * quarter) / QUARTERS);
    for (; done < until; done = Math.min(until, done + BATCH)) {
      await runJobs(producer, jobsOf(done, Math.min(until, done + BATCH), [...agents.keys()]));
    }
    const sample = { jobs: done, ...(await lookAt(redis)) };
    samples.push(sample);
    onSample(sample);
  }
  return samples;
}

function configOf({ resultsSeconds, usageRows }: RetentionPlan): Config {
  const config = loadConfig({ environment: {}, directory: "/", isTerminal: false });
  const defaults = configFileSchema.parse({});
  // Less than a configuration file may say.
  const retention = { ...defaults.retention, resultsDays: resultsSeconds / DAY_SECONDS, usageRows };
  return { ...config, namespace: NAMESPACE, concurrency: 64, file: { ...defaults, retention } };
}

function agentsOf(count: number, config: Config): ReadonlyMap<string, Agent> {
  const options = compileOptions(config);
  const ids = Array.from({ length: count }, (_, index) => `agent-${index}`);
  return new Map(ids.map((id) => [id, parseAgentObject(id, { id, name: id, llm_provider: "fake" }, options).agent]));
}

function jobsOf(from: number, to: number, agents: readonly string[]): TweetInput[] {
  return Array.from({ length: to - from }, (_, index) => {
    const number = from + index;
    const agent = agents[number % agents.length] ?? "";
    return { kind: "tweet", agent, id: `job-${number}`, context: { topic: `topic ${number}` } };
  });
}

async function runJobs(producer: Producer, jobs: readonly TweetInput[]): Promise<void> {
  const ids = jobs.map(({ id }) => String(id));
  // Results are forgotten quickly: whoever wants them must wait from the beginning.
  const ended = Promise.all(ids.map((id) => producer.result(id, { waitMs: Infinity })));
  await producer.enqueueMany(jobs);
  const failed = (await ended).filter((result) => result?.status !== "succeeded");
  if (failed.length > 0) throw new Error(`${failed.length} jobs have no text`);
}

async function lookAt(redis: Redis): Promise<Omit<RetentionSample, "jobs">> {
  const keys = controlKeys(NAMESPACE);
  while (await hasKeys(redis, keys.job(""))) await sleep(100);
  const used = /^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1];
  const index = (await redis.memory("USAGE", keys.results, "SAMPLES", 0)) ?? 0;
  return { keys: await redis.dbsize(), bytes: Number(used), indexBytes: index };
}

/** Looking at all of them also drops those whose time is over. */
async function hasKeys(redis: Redis, beginning: string): Promise<boolean> {
  let count = 0;
  for await (const keys of scanKeys(redis, beginning)) count += keys.length;
  return count > 0;
}
