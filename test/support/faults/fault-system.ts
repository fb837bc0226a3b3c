import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions, composeProducer } from "../../../src/compose.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import type { TweetInput, Urgency } from "../../../src/job/generation-job.ts";
import { claimJobs } from "../../../src/admission/claims.ts";
import { controlKeys } from "../../../src/admission/keys.ts";
import type { RedisClient } from "../../../src/platform/redis-client.ts";
import { connectRedis } from "../../../src/platform/redis.ts";
import { laneOf } from "../../../src/queue/lane.ts";
import type { Producer } from "../../../src/queue/producer.ts";
import { keysMatching } from "../read-books.ts";
import type { RecordedServer, SeenCall } from "../recorded-server.ts";
import { startProgram, type RunningProgram } from "../run-cli.ts";
import { makeTempFolder } from "../temp-folder.ts";
import { waitFor } from "../wait-for.ts";
import type { KillPoint } from "./kill-points.ts";
import { readResults, reconcile, type LedgerCall, type Reconciliation } from "./reconcile.ts";

const WORKER = join(import.meta.dirname, "../../../workers/generation-worker.ts");
const KILL_POINTS = join(import.meta.dirname, "kill-points.ts");

/** Where a provider is, and what it has seen; a `RecordedServer`, mostly. */
export type Vendor = Pick<RecordedServer, "baseUrl" | "calls">;

export interface FaultSystemOptions {
  /** Redis itself, for looking and for the producer. */
  readonly redisUrl: string;
  /** Where workers find it, e.g. behind a proxy; default: Redis itself. */
  readonly workerRedisUrl?: string;
  /** Where the producer finds it; default: Redis itself. */
  readonly producerRedisUrl?: string;
  /** The primary of agent `ada`, and all that `nori` has. */
  readonly openai: Vendor;
  /** The fall-back of agent `ada`; default: nobody listens there. */
  readonly grok?: Vendor;
  /** Those that the settings name as `endpoints`: their calls count as well. */
  readonly others?: readonly Vendor[];
  /** Agent files beside those of `FAULT_AGENTS`. */
  readonly agents?: readonly unknown[];
  /** The configuration file; waits between retries are short unless it says otherwise. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Jobs in work per worker; default 4. */
  readonly concurrency?: number;
}

export interface WorkerOptions {
  /** Dies there, the n-th time (default 1) that it comes there. */
  readonly killAt?: KillPoint | `${KillPoint}:${number}`;
  readonly env?: Readonly<Record<string, string>>;
  /** More for Node itself, e.g. modules to load before. */
  readonly nodeArguments?: readonly string[];
}

/** A producer in this process, workers as processes of their own, and a provider that keeps a ledger. */
export interface FaultSystem extends AsyncDisposable {
  readonly namespace: string;
  /** A connection to Redis itself. */
  readonly redis: RedisClient;
  readonly producer: Producer;
  /** Environment of every worker; for other programs of the same system. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder of every worker. */
  readonly folder: string;
  /** Starts a worker and waits until it takes jobs. */
  startWorker(options?: WorkerOptions): Promise<RunningProgram>;
  /** Enqueues tweets of an agent, `<name>-0` and so on. @returns the ids that were acknowledged */
  enqueue(count: number, job?: FaultJobs): Promise<readonly string[]>;
  /** All ids that were acknowledged. */
  readonly accepted: readonly string[];
  /** Notes ids that were acknowledged in another way. */
  accept(ids: readonly string[]): void;
  /** Resolves when all that were acknowledged have a terminal record. */
  allEnded(timeoutMs?: number): Promise<void>;
  /** How many of them have one now. */
  ended(): Promise<number>;
  /** Resolves when every attempt has settled or been swept up; then holds everything against each other. */
  reconcile(timeoutMs?: number): Promise<Reconciliation>;
}

export interface FaultJobs {
  /** Default "job". */
  readonly name?: string;
  /** Default "nori". */
  readonly agent?: string;
  /** Default "bulk". */
  readonly urgency?: Urgency;
}

export const FAULT_KEYS = { openai: "sk-test-0123456789abcdef", grok: "xai-test-fedcba9876543210" } as const;

/** It only limits how long a failing test takes. */
const READY_MS = 120_000;

const PERSON = { name: "Nori", llm_provider: "openai", custom_system_prompt: "You write short posts about machines." };
export const FAULT_AGENTS = [
  { ...PERSON, id: "nori", variety: false, llm_config: { model: "gpt-6-luna" } },
  {
    ...{ ...PERSON, id: "ada", variety: false },
    llm_config: { model: "gpt-6-luna", fallback_provider: "grok", fallback_config: { model: "grok-4.3" } },
  },
];

/** Known and never reached; a few attempts and no waiting; what tests do beside jobs is off. */
const SETTINGS = {
  limits: ["openai", "grok"].map((provider) => ({ provider, requestsPerMinute: 1e9 })),
  retries: { baseSeconds: 0.05, capSeconds: 0.5 },
  variety: { enabled: false },
};

export async function startFaultSystem(options: FaultSystemOptions): Promise<FaultSystem> {
  const { redisUrl, openai, grok, others = [], concurrency = 4 } = options;
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeTempFolder());
  const namespace = `fault-${randomBytes(4).toString("hex")}`;
  await writeFile(join(folder.path, "config.json"), JSON.stringify({ ...SETTINGS, ...options.settings }));
  const env = {
    REDIS_URL: options.workerRedisUrl ?? redisUrl,
    PUPPET_ENGINE_NAMESPACE: namespace,
    PUPPET_ENGINE_CONFIG: "config.json",
    WORKER_CONCURRENCY: String(concurrency),
    OPENAI_API_KEY: FAULT_KEYS.openai,
    OPENAI_BASE_URL: openai.baseUrl,
    GROK_API_KEY: FAULT_KEYS.grok,
    GROK_API_ENDPOINT: grok?.baseUrl ?? "http://127.0.0.1:1/v1",
  };
  const redis = stack.adopt(connectRedis({ url: redisUrl }, "control"), (open) => open.disconnect());
  const config = loadConfig({ environment: env, directory: folder.path, isTerminal: false });
  const agents = new Map(
    [...FAULT_AGENTS, ...(options.agents ?? [])]
      .map((file) => parseAgentObject("agent", file, compileOptions(config)).agent)
      .map((agent) => [agent.id, agent]),
  );
  await claimJobs(redis, namespace, {
    requests: [],
    lanes: new Map([...agents.values()].map(laneOf).map(({ name, chain }) => [name, chain])),
  });
  const address = { url: options.producerRedisUrl ?? redisUrl };
  const producer = stack.use(composeProducer({ config, address, agents }));
  const accepted: string[] = [];
  const vendors = [openai, ...(grok === undefined ? [] : [grok]), ...others];
  const ledger = (): LedgerCall[] => vendors.flatMap(ledgerOf);
  const ended = async (): Promise<number> => (await readResults(redis, namespace, accepted)).length;
  const owned = stack.move();
  return {
    ...{ namespace, redis, producer, env, folder: folder.path, accepted, ended },
    async startWorker(worker = {}) {
      const started = owned.use(launch({ env, cwd: folder.path }, worker));
      await started.waitForOutput(/is taking jobs/, READY_MS);
      return started;
    },
    accept: (ids) => void accepted.push(...ids),
    async enqueue(count, { name = "job", ...job } = {}) {
      const ids: string[] = [];
      const inputs = Array.from({ length: count }, (_, index) => tweet(`${name}-${index}`, job));
      await producer.enqueueMany(inputs, {
        onOutcome: (_, outcome) => void (outcome.accepted && ids.push(outcome.job.id)),
      });
      accepted.push(...ids);
      return ids;
    },
    async allEnded(timeoutMs = 20_000) {
      const describe = (): string => `all of ${accepted.length} jobs ended`;
      // The cheap question first: how many endings there were.
      const condition = async (): Promise<boolean> =>
        (await redis.xlen(controlKeys(namespace).results)) >= accepted.length && (await ended()) === accepted.length;
      await waitFor(condition, { timeoutMs, describe });
    },
    async reconcile(timeoutMs = 30_000) {
      const look = async (): Promise<Reconciliation> =>
        await reconcile({ redis, namespace, jobIds: accepted, calls: ledger() });
      const intents = `{${namespace}}:intents:*`;
      // Attempts of dead workers are swept up after 15 s; what is left after the wait is reported.
      await waitFor(async () => (await keysMatching(redis, intents)).length === 0, { timeoutMs }).catch(
        () => undefined,
      );
      return await look();
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** The topic names the job, so that a provider's ledger can. */
export function tweet(id: string, { agent = "nori", urgency = "bulk" }: Omit<FaultJobs, "name"> = {}): TweetInput {
  return { kind: "tweet", id, agent, urgency, context: { topic: `kettles for ${id}` } };
}

function launch(program: { env: Record<string, string>; cwd: string }, options: WorkerOptions): RunningProgram {
  const { killAt, env, nodeArguments = [] } = options;
  const before = killAt === undefined ? nodeArguments : [...nodeArguments, "--import", KILL_POINTS];
  const dies = killAt === undefined ? {} : { KILL_AT: killAt };
  return startProgram([...before, WORKER], { cwd: program.cwd, env: { ...program.env, ...dies, ...env } });
}

/** Which job a call was made for. */
export function jobOf({ bodyText }: Pick<SeenCall, "bodyText">): string {
  return /kettles for ([\w-]+)/.exec(bodyText)?.[1] ?? "unknown";
}

function ledgerOf({ calls }: Vendor): LedgerCall[] {
  return calls.map(({ headers, at, bodyText }) => ({
    jobId: jobOf({ bodyText }),
    attemptId: (headers["x-client-request-id"] as string | undefined) ?? null,
    at,
  }));
}
