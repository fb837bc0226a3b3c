import { countWorkers } from "../admission/sweeper.ts";
import type { Agent } from "../agents/agent.ts";
import { defaultAgent } from "../agents/default-agent.ts";
import { loadAgents, type LoadedAgents } from "../agents/load-agents.ts";
import { describeRetiredUse } from "../agents/retire-models.ts";
import { compileOptions, composeProducer, openRedis, type OpenedRedis } from "../compose.ts";
import type { RunningMonitor } from "../compose-monitor.ts";
import { composeOperator, type Operator } from "../compose-operator.ts";
import { loadConfig, type Config } from "../config/load-config.ts";
import { systemClock } from "../platform/clock.ts";
import { createLogger } from "../platform/logger.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";
import { connectRedis, withRedis, type RedisAddress } from "../platform/redis.ts";
import type { Producer } from "../queue/producer.ts";
import type { GenerationWorker } from "../queue/worker.ts";
import { openTracing, type Tracing } from "../telemetry/open-tracing.ts";
import { showPause } from "./pause-target.ts";
import { replaceProviders } from "./replace-providers.ts";
import { requireKeys } from "./require-keys.ts";

/** What commands work with: configuration, an open Redis, agents. */
export interface Workplace extends AsyncDisposable {
  readonly config: Config;
  readonly redis: OpenedRedis;
  readonly agents: ReadonlyMap<string, Agent>;
  /** Writes `content` that names no agent. */
  readonly defaultAgent: Agent;
  /** @param agents who is known to it; default: `agents` */
  producer(agents?: ReadonlyMap<string, Agent>): Producer;
  /** Looks at the running system, and pauses parts of it. */
  operator(): Operator;
  /** Disposing it lets calls in flight finish, within the configured grace. */
  worker(options: WorkerOptions): Promise<GenerationWorker>;
  /**
   * For a process that will call providers itself.
   * @param agentIds who will be needed; `undefined` stands for the default agent
   * @throws InvalidInputError naming each missing variable and the agents that need it
   */
  requireKeys(agentIds: Iterable<string | undefined>): void;
  /** Starts serving the monitor; `host` and `port` win over the configuration. */
  monitor(options: { host?: string; port?: number; readOnly?: boolean }): Promise<RunningMonitor>;
  /** Waiting for a result is pointless while nobody works: says so, and how to change it. */
  hintIfNoWorker(): Promise<void>;
  /** The same for what operators have paused. */
  hintIfPaused(): Promise<void>;
  /** The same for following a job whose text will not grow. */
  hintIfNotStreamed(jobId: string): Promise<void>;
  /** The same for waiting for a job that nobody has enqueued yet: its id may be a mistake. */
  hintIfUnknown(jobId: string): Promise<void>;
}

export interface WorkerOptions {
  /** The least that is logged, unless somebody asked for more, because something else is shown meanwhile; `null`: as configured. */
  readonly quiet: "error" | "fatal" | null;
  readonly concurrency?: number;
  /** Aborts calls in flight while the worker is being disposed. */
  readonly force: AbortSignal;
}

export interface WorkplaceOptions {
  /** Whose agents to load: `own` leaves out the shipped examples. Default `all`. */
  readonly agents?: "all" | "own" | "none";
  /** Providers without a key are replaced by the fake one. */
  readonly fake?: boolean;
  readonly config?: Config;
}

/** @throws InvalidInputError, RedisUnavailableError */
export async function openWorkplace(options: WorkplaceOptions = {}): Promise<Workplace> {
  const { config = loadConfig(), fake = false } = options;
  for (const note of config.notes) console.error(`note: ${note}`);
  const { missingKeys } = config.providers;
  const replace = (agent: Agent): Agent => (fake ? replaceProviders(agent, missingKeys) : agent);
  const loaded = await readAgents(config, options.agents ?? "all");
  const agents = new Map([...loaded.agents].map(([id, agent]) => [id, replace(agent)]));
  const writer = replace(readDefaultAgent(config, options.agents ?? "all"));
  const redis = await openCheckedRedis(config);
  const { address } = redis;
  const tracing = await openTracing({
    config: config.tracing,
    warn: (message) => console.error(`warning: ${message}`),
  });
  return {
    config,
    redis,
    agents,
    defaultAgent: writer,
    producer: (known = agents) =>
      composeProducer({ config, address, agents: known, schedules: loaded.schedules, defaultAgent: writer, tracing }),
    operator: () => composeOperator({ config, address }),
    worker: async (workerOptions) => await openWorker({ config, address, tracing }, workerOptions),
    async monitor({ host = config.monitor.host, port = config.monitor.port, readOnly = false }) {
      const monitor = { ...config.monitor, host, port };
      // Only who needs a web server loads it: other commands start quicker, and take half the memory.
      const { composeMonitor } = await import("../compose-monitor.ts");
      const known = { agents, schedules: loaded.schedules, defaultAgent: writer, tracing };
      const running = await composeMonitor({ config: { ...config, monitor }, address, readOnly, ...known });
      return await withAlerts(running, config, address);
    },
    requireKeys(agentIds) {
      const needed = [...new Set(agentIds)].flatMap((id) => (id === undefined ? writer : (agents.get(id) ?? [])));
      requireKeys(needed, missingKeys);
    },
    hintIfNoWorker: async () => await hintIfNoWorker(config, redis),
    hintIfPaused: async () => await hintIfPaused(composeOperator({ config, address })),
    hintIfNotStreamed: async (jobId) => await hintIfNotStreamed(jobId, composeOperator({ config, address })),
    hintIfUnknown: async (jobId) => await hintIfUnknown(jobId, config, composeOperator({ config, address })),
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all([redis[Symbol.asyncDispose](), tracing?.[Symbol.asyncDispose]()])),
  };
}

async function openCheckedRedis(config: Config): Promise<OpenedRedis> {
  const redis = await openRedis(config);
  try {
    await warnAboutRedis(redis);
    return redis;
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}

interface OpenWorker {
  readonly config: Config;
  readonly address: RedisAddress;
  readonly tracing: Tracing | undefined;
}

async function openWorker({ config, ...parts }: OpenWorker, options: WorkerOptions): Promise<GenerationWorker> {
  const { quiet, force, concurrency = config.concurrency } = options;
  const logger = createLogger({
    level: quiet !== null && config.logLevel === "info" ? quiet : config.logLevel,
    format: config.logFormat,
  });
  const { composeWorker } = await import("../compose-worker.ts");
  const worker = await composeWorker({ config: { ...config, concurrency }, ...parts, logger });
  const graceMs = config.file.worker.graceSeconds * 1000;
  return { ...worker, [Symbol.asyncDispose]: async () => void (await worker.stop({ graceMs, force })) };
}

/** While no worker lives only the monitor can tell. */
async function withAlerts(monitor: RunningMonitor, config: Config, address: RedisAddress): Promise<RunningMonitor> {
  const { startAlertWatcher } = await import("../compose-alerts.ts");
  const watcher = startAlertWatcher(
    config,
    address,
    createLogger({ level: config.logLevel, format: config.logFormat }),
  );
  return {
    ...monitor,
    async [Symbol.asyncDispose]() {
      await watcher[Symbol.asyncDispose]();
      await monitor[Symbol.asyncDispose]();
    },
  };
}

type AgentsAndSchedules = Pick<LoadedAgents, "agents" | "schedules">;

async function readAgents(config: Config, which: "all" | "own" | "none"): Promise<AgentsAndSchedules> {
  if (which === "none" || (which === "own" && config.usesExampleAgents))
    return { agents: new Map(), schedules: new Map() };
  if (config.usesExampleAgents) {
    console.error("note: no folder agents here and no AGENTS_DIR: using the example agents");
  }
  const { agents, schedules, notes, retired } = await loadAgents(config.agentsDirectory, compileOptions(config));
  for (const note of [...notes, ...retired.map((use) => use.note)]) console.error(`note: ${note}`);
  return { agents, schedules };
}

function readDefaultAgent(config: Config, which: "all" | "own" | "none"): Agent {
  const { agent, uses } = defaultAgent(compileOptions(config));
  if (which === "all")
    for (const use of uses) console.error(`note: for jobs without an agent: ${describeRetiredUse(use)}`);
  return agent;
}

async function warnAboutRedis(opened: OpenedRedis): Promise<void> {
  const redis = connectRedis(opened.address, "producer");
  try {
    const { warnings } = await withRedis(opened.address, () => inspectRedis(redis));
    for (const warning of warnings) console.error(`warning: ${warning}`);
  } finally {
    redis.disconnect();
  }
}

async function hintIfNoWorker({ namespace }: Config, opened: OpenedRedis): Promise<void> {
  const redis = connectRedis(opened.address, "producer");
  try {
    const workers = await withRedis(opened.address, () => countWorkers(redis, namespace));
    if (workers === 0)
      console.error("note: no worker is running; start one with `puppet-engine worker`, or add --worker");
  } finally {
    redis.disconnect();
  }
}

/** @param opened is disposed */
async function hintIfPaused(opened: Operator): Promise<void> {
  await using operator = opened;
  const [first, ...others] = await operator.pauses();
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more; see \`puppet-engine health\`)`;
  console.error(`note: ${showPause(first, await operator.lanes(), systemClock.now())}${more}`);
}

/** @param opened is disposed */
async function hintIfNotStreamed(jobId: string, opened: Operator): Promise<void> {
  await using operator = opened;
  const agent = await operator.agentOf(jobId);
  if (agent === null || agent.chain.some(({ parameters }) => parameters.stream)) return;
  console.error(`note: ${agent.id} does not stream (llm_config.stream): the text comes in one piece`);
}

/** @param opened is disposed */
async function hintIfUnknown(jobId: string, { namespace }: Config, opened: Operator): Promise<void> {
  await using operator = opened;
  if (await operator.isJobKnown(jobId)) return;
  console.error(`note: no job ${JSON.stringify(jobId)} in namespace ${namespace} yet: waiting for it`);
}
