import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { createEpochWatch } from "./admission/epoch-watch.ts";
import { createRedisAdmission } from "./admission/redis-admission.ts";
import type { Retention } from "./admission/write-settlement.ts";
import type { Agent } from "./agents/agent.ts";
import { buildMessages } from "./agents/build-prompt.ts";
import type { CompileOptions } from "./agents/compile-agent.ts";
import { defaultAgent } from "./agents/default-agent.ts";
import { loadAgents } from "./agents/load-agents.ts";
import { parseAgentObject } from "./agents/parse-agent.ts";
import { loadConfig, type Config } from "./config/load-config.ts";
import { parseRedisUrl } from "./config/redis-address.ts";
import { retentionOf } from "./config/config-file.ts";
import { admissionPolicyOf, generationPolicyOf } from "./config/policies.ts";
import type { GenerationDependencies } from "./generation/run.ts";
import { createTokenEstimator } from "./generation/token-estimator.ts";
import { createPrices } from "./models/prices.ts";
import { systemClock } from "./platform/clock.ts";
import { startEmbeddedRedis } from "./platform/embedded-redis.ts";
import type { Logger } from "./platform/logger.ts";
import { InvalidInputError } from "./platform/problem.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { createMonitor } from "./monitor/server.ts";
import { createProviders, type ProviderRegistry } from "./providers/registry.ts";
import { createConsumer } from "./queue/consumer.ts";
import { createLaneQueues } from "./queue/lane-queues.ts";
import { createLaneWorkers } from "./queue/lane-workers.ts";
import { attemptLogger, breakerLogger, budgetLogger, stepLogger } from "./queue/log-lines.ts";
import { createQueueProducer, type Producer } from "./queue/producer.ts";
import { startGenerationWorker, type GenerationWorker } from "./queue/worker.ts";

/** A Redis to work with, ours or the operator's. Disposing it stops it only if it is ours and we started it. */
export interface OpenedRedis extends AsyncDisposable {
  readonly address: RedisAddress;
  /** The data folder of our own Redis; `null` when REDIS_URL was given. */
  readonly embeddedIn: string | null;
}

export async function openRedis({
  redis,
  dataDirectory,
}: Pick<Config, "redis" | "dataDirectory">): Promise<OpenedRedis> {
  if (redis !== null) return { address: redis, embeddedIn: null, [Symbol.asyncDispose]: async () => undefined };
  const embedded = await startEmbeddedRedis({ dataDirectory });
  return {
    address: { path: embedded.path },
    embeddedIn: dataDirectory,
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

/**
 * How agents that leave something out are completed, and what is known of their models.
 * @param now epoch ms
 */
export function compileOptions(
  { providers, file }: Pick<Config, "providers" | "file">,
  now = systemClock.now(),
): CompileOptions {
  return {
    defaultModel: (provider) => providers.defaultModels[provider] ?? "",
    knownProviders: providers.definitions.map(({ id }) => id),
    catalogue: providers.catalogue,
    retiredModels: file.retiredModels,
    now,
  };
}

export interface ProducerParts {
  readonly config: Pick<Config, "namespace" | "file" | "providers">;
  readonly address: RedisAddress;
  readonly agents: ReadonlyMap<string, Agent>;
  /** Default: the shipped neutral writer. */
  readonly defaultAgent?: Agent;
}

export function composeProducer({ config, address, agents, ...parts }: ProducerParts): Producer {
  return createQueueProducer({
    redis: connectRedis(address, "producer"),
    queueRedis: connectRedis(address, "producer-queue"),
    address,
    namespace: config.namespace,
    agents,
    defaultAgent: parts.defaultAgent ?? defaultAgent(compileOptions(config)).agent,
    clock: systemClock,
    resultsMs: retentionOf(config.file).resultsMs,
  });
}

export interface WorkerParts {
  readonly config: Pick<Config, "namespace" | "file" | "providers" | "concurrency">;
  readonly address: RedisAddress;
  readonly logger: Logger;
}

/** Starts a worker: it takes jobs until it is stopped. */
export async function composeWorker({ config, address, logger }: WorkerParts): Promise<GenerationWorker> {
  const { namespace, file } = config;
  const workerId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const redis = connectRedis(address, "control");
  const queueRedis = connectRedis(address, "queue");
  const giveUp = new AbortController();
  const retention: Retention = retentionOf(file);
  const onFailure = (error: Error, failures: number): void => {
    if (failures === 1 || failures % 30 === 0)
      logger.error({ err: error.message, failures }, "Redis does not take our commands; trying on");
  };
  const watch = createEpochWatch();
  const admission = createRedisAdmission({
    redis,
    namespace,
    workerId,
    retention,
    policy: admissionPolicyOf(file, config.providers.definitions),
    watch,
    retry: { signal: giveUp.signal, onFailure },
  });
  const providers = createProviders(config.providers.settings, {
    ...{ definitions: config.providers.definitions, catalogue: config.providers.catalogue },
    limitGroups: file.limitGroups,
    transport: { idleTimeoutMs: file.idleSeconds * 1000 },
  });
  const generation = generationDependencies(config, { admission, providers, logger });
  const queues = createLaneQueues(queueRedis, namespace);
  const consumer = createConsumer({ redis, namespace, admission, generation, queues, logger });
  const lanes = file.worker.lanes ?? null;
  const isConfigured = (provider: string): boolean => providers.get(provider) !== undefined;
  const { concurrency } = config;
  const laneWorkers = createLaneWorkers({
    redis,
    queueRedis,
    namespace,
    concurrency,
    lanes,
    isConfigured,
    consumer,
    clock: systemClock,
    logger,
  });
  const onOrphan = attemptLogger(logger);
  const sweeper = { redis, namespace, workerId, retention, onOrphan };
  const disconnect = async (): Promise<void> => {
    await queues.close();
    await providers.close();
    for (const connection of [redis, queueRedis] satisfies Redis[]) connection.disconnect();
  };
  return await startGenerationWorker({
    redis,
    workerId,
    consumer,
    laneWorkers,
    watch,
    sweeper,
    logger,
    giveUp,
    disconnect,
  });
}

interface GenerationParts {
  readonly admission: GenerationDependencies["admission"];
  readonly providers: ProviderRegistry;
  readonly logger: Logger;
}

function generationDependencies(
  { file, providers: { catalogue } }: Pick<Config, "file" | "providers">,
  { admission, providers, logger }: GenerationParts,
): GenerationDependencies {
  return {
    admission,
    provider: (id) => providers.get(id),
    catalogue,
    prices: createPrices({ catalogue, overrides: file.prices }),
    estimator: createTokenEstimator(),
    policy: generationPolicyOf(file),
    clock: systemClock,
    buildMessages: (agent, job) => buildMessages(agent, job.input, job.turn),
    onAttempt: attemptLogger(logger),
    onStep: stepLogger(logger),
    onBreaker: breakerLogger(logger, file.breaker.openSeconds * 1000),
    onBudget: budgetLogger(logger),
  };
}

export interface MonitorParts {
  readonly config: Pick<Config, "namespace" | "monitor">;
  readonly address: RedisAddress;
  readonly writable: boolean;
}

/** The monitor while it listens. */
export interface RunningMonitor extends AsyncDisposable {
  /** Where people find it, e.g. `http://127.0.0.1:3700`. */
  readonly url: string;
}

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]", "::1"];

/** @throws InvalidInputError when others could reach it without a token, or when the address is taken */
export async function composeMonitor({ config, address, writable }: MonitorParts): Promise<RunningMonitor> {
  const { host, port, token, allowedHosts } = config.monitor;
  const problem = { source: "environment", path: "MONITOR_HOST" };
  if (token === null && !LOOPBACK_HOSTS.includes(host)) {
    throw new InvalidInputError([
      { ...problem, got: `${host} without a token`, expected: "127.0.0.1, or MONITOR_TOKEN set as well" },
    ]);
  }
  const redis = connectRedis(address, "producer");
  const queueRedis = connectRedis(address, "producer-queue");
  const queues = createLaneQueues(queueRedis, config.namespace);
  const hosts = new Set([...LOOPBACK_HOSTS, host, ...allowedHosts]);
  const server = await createMonitor({
    redis,
    namespace: config.namespace,
    queue: (lane) => queues.get(lane),
    writable,
    clock: systemClock,
    token,
    allowedHosts: hosts,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await queues.close();
    for (const connection of [redis, queueRedis]) connection.disconnect();
  };
  try {
    return { url: await server.listen({ host, port }), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    const code = error instanceof Error && "code" in error ? String(error.code) : "an error";
    throw new InvalidInputError([
      {
        ...problem,
        path: "MONITOR_HOST and MONITOR_PORT",
        got: `${host}:${port} (${code})`,
        expected: "an address of this machine that is free",
      },
    ]);
  }
}

export interface CreateProducerOptions {
  /** Default: `REDIS_URL`. `redis://`, `rediss://` or `unix:///path`. */
  readonly redisUrl?: string;
  /** Default: `PUPPET_ENGINE_NAMESPACE`, or `puppet`. */
  readonly namespace?: string;
  /** A folder of agent files, or agents as objects shaped like those files. Default: `AGENTS_DIR`. */
  readonly agents?: string | readonly unknown[];
}

/**
 * A producer for programs that enqueue jobs. Reads the same environment as the workers. Without a Redis address it uses,
 * or starts, the project's own Redis in `PUPPET_ENGINE_DATA`. Dispose it when done: `await using`.
 * @throws InvalidInputError naming every problem of configuration and agents
 */
export async function createProducer(options: CreateProducerOptions = {}): Promise<Producer> {
  const config = loadConfig();
  const agents = await resolveAgents(options.agents ?? config.agentsDirectory, compileOptions(config));
  const opened =
    options.redisUrl === undefined
      ? await openRedis(config)
      : { address: addressOf(options.redisUrl), [Symbol.asyncDispose]: async () => undefined };
  const producer = composeProducer({
    config: { ...config, namespace: options.namespace ?? config.namespace },
    address: opened.address,
    agents,
  });
  return {
    ...producer,
    async [Symbol.asyncDispose]() {
      await producer[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}

function addressOf(url: string): RedisAddress {
  const address = parseRedisUrl(url);
  if ("got" in address) throw new InvalidInputError([{ ...address, source: "createProducer", path: "redisUrl" }]);
  return address;
}

async function resolveAgents(
  agents: string | readonly unknown[],
  options: CompileOptions,
): Promise<ReadonlyMap<string, Agent>> {
  if (typeof agents === "string") return (await loadAgents(agents, options)).agents;
  return new Map(
    agents
      .map((value, index) => parseAgentObject(`agents[${index}]`, value, options).agent)
      .map((agent) => [agent.id, agent]),
  );
}
