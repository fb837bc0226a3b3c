import { countWorkers } from "../admission/sweeper.ts";
import type { Agent } from "../agents/agent.ts";
import { loadAgents } from "../agents/load-agents.ts";
import {
  compileOptions,
  composeMonitor,
  composeProducer,
  composeWorker,
  openRedis,
  type OpenedRedis,
  type RunningMonitor,
} from "../compose.ts";
import { loadConfig, type Config } from "../config/load-config.ts";
import { createLogger, type LogLevel } from "../platform/logger.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";
import { connectRedis, withRedis } from "../platform/redis.ts";
import type { Producer } from "../queue/producer.ts";
import type { GenerationWorker } from "../queue/worker.ts";
import { replaceProviders } from "./replace-providers.ts";

/** What commands work with: configuration, an open Redis, agents. */
export interface Workplace extends AsyncDisposable {
  readonly config: Config;
  readonly redis: OpenedRedis;
  readonly agents: ReadonlyMap<string, Agent>;
  producer(): Producer;
  /** @param quiet log warnings only, because something else is shown meanwhile */
  worker(options: { quiet: boolean; concurrency?: number }): Promise<GenerationWorker>;
  /** Starts serving the monitor; `host` and `port` win over the configuration. */
  monitor(options: { host?: string; port?: number; writable?: boolean }): Promise<RunningMonitor>;
  /** Waiting for a result is pointless while nobody works: says so, and how to change it. */
  hintIfNoWorker(): Promise<void>;
}

export interface WorkplaceOptions {
  /** Load the agents' folder; default true. */
  readonly agents?: boolean;
  /** Providers without a key are replaced by the fake one. */
  readonly fake?: boolean;
  /**
   * Whether this process will call providers and so must have their keys. `if-agents-given`: only those that the
   * operator's own agents need; a worker may run without any agent files. Default `not-needed`.
   */
  readonly keys?: "required" | "if-agents-given" | "not-needed";
  readonly config?: Config;
}

/** @throws InvalidInputError, RedisUnavailableError */
export async function openWorkplace(options: WorkplaceOptions = {}): Promise<Workplace> {
  const { config = loadConfig() } = options;
  const agents = options.agents === false ? new Map<string, Agent>() : await readAgents(config, options);
  for (const note of config.notes) console.error(`note: ${note}`);
  const redis = await openRedis(config);
  await warnAboutRedis(redis);
  return {
    config,
    redis,
    agents,
    producer: () => composeProducer({ config, address: redis.address, agents }),
    async worker({ quiet, concurrency = config.concurrency }) {
      const logger = createLogger({
        level: quiet ? quieter(config.logLevel) : config.logLevel,
        format: config.logFormat,
      });
      return await composeWorker({ config: { ...config, concurrency }, address: redis.address, logger });
    },
    async monitor({ host = config.monitor.host, port = config.monitor.port, writable = false }) {
      return await composeMonitor({
        config: { ...config, monitor: { ...config.monitor, host, port } },
        address: redis.address,
        writable,
      });
    },
    hintIfNoWorker: async () => await hintIfNoWorker(config, redis),
    [Symbol.asyncDispose]: async () => await redis[Symbol.asyncDispose](),
  };
}

async function readAgents(
  config: Config,
  { fake = false, keys = "not-needed" }: WorkplaceOptions,
): Promise<ReadonlyMap<string, Agent>> {
  if (keys === "if-agents-given" && config.usesExampleAgents) return new Map();
  if (config.usesExampleAgents)
    console.error("note: no folder agents here and no AGENTS_DIR: using the example agents");
  const { agents, notes } = await loadAgents(config.agentsDirectory, compileOptions(config));
  for (const note of notes) console.error(`note: ${note}`);
  const { missingKeys } = config.providers;
  const runnable = fake ? replaceProviders(agents, missingKeys) : agents;
  if (keys !== "not-needed") requireKeys(runnable, missingKeys);
  return runnable;
}

/** Beside a progress bar only what needs attention is shown, unless somebody asked for more. */
function quieter(level: LogLevel): LogLevel {
  return level === "info" ? "error" : level;
}

/** Names each missing variable once, with all agents that need it. */
function requireKeys(agents: ReadonlyMap<string, Agent>, missing: ReadonlyMap<string, readonly string[]>): void {
  const problems = [...missing].flatMap(([provider, variables]): Problem[] => {
    const users = [...agents.values()].filter(({ chain }) => chain.some((member) => member.provider === provider));
    if (users.length === 0) return [];
    const expected = `the key of ${provider}, for ${users.map(({ id }) => id).join(", ")} (or --fake to replace providers without a key)`;
    return [{ source: "environment", path: variables.join(" or "), got: "nothing", expected }];
  });
  if (problems.length > 0) throw new InvalidInputError(problems);
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
