import type { Agent } from "./agents/agent.ts";
import type { CompileOptions } from "./agents/compile-agent.ts";
import { defaultAgent } from "./agents/default-agent.ts";
import { loadAgents, type LoadedAgents } from "./agents/load-agents.ts";
import { parseAgentObjects } from "./agents/parse-agent-objects.ts";
import { loadConfig, type Config } from "./config/load-config.ts";
import { parseRedisUrl, passwordsOf } from "./config/redis-address.ts";
import { retentionOf } from "./config/config-file.ts";
import { createPrices, type Prices } from "./models/prices.ts";
import { systemClock } from "./platform/clock.ts";
import { startEmbeddedRedis } from "./platform/embedded-redis.ts";
import { InvalidInputError } from "./platform/problem.ts";
import { connectRedis, type RedisAccess, type RedisAddress } from "./platform/redis.ts";
import { purgeAgent } from "./purge/purge-agent.ts";
import { keepSecret } from "./platform/secrets.ts";
import { createQueueProducer, type Producer } from "./queue/producer.ts";
import type { Schedule } from "./schedules/schedule.ts";
import { openTracing, type Tracing } from "./telemetry/open-tracing.ts";

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

/** What models cost, the operator's own prices first. */
export function composePrices({ file, providers }: Pick<Config, "file" | "providers">): Prices {
  return createPrices({ catalogue: providers.catalogue, overrides: file.prices });
}

export interface ProducerParts {
  readonly config: Pick<Config, "namespace" | "file" | "providers">;
  readonly address: RedisAddress;
  readonly agents: ReadonlyMap<string, Agent>;
  /** When they post by themselves; default: never. */
  readonly schedules?: ReadonlyMap<string, Schedule>;
  /** Default: the shipped neutral writer. */
  readonly defaultAgent?: Agent;
  /** Default: no spans are made. */
  readonly tracing?: Tracing | undefined;
}

export function composeProducer({ config, address, agents, ...parts }: ProducerParts): Producer {
  const { resultsMs, countersMs } = retentionOf(config.file);
  return createQueueProducer({
    redis: connectRedis(address, "producer"),
    queueRedis: connectRedis(address, "producer-queue"),
    address,
    namespace: config.namespace,
    agents,
    schedules: parts.schedules,
    defaultAgent: parts.defaultAgent ?? defaultAgent(compileOptions(config)).agent,
    telemetry: parts.tracing?.queues.telemetry,
    clock: systemClock,
    ...{ resultsMs, countersMs, purgeAgent },
  });
}

export interface CreateProducerOptions {
  /** Written as `REDIS_URL`, which is the default. */
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
  const { agents, schedules } = await resolveAgents(options.agents ?? config.agentsDirectory, compileOptions(config));
  const opened =
    options.redisUrl === undefined
      ? await openRedis(config)
      : { address: addressOf(options.redisUrl, config.redisAccess), [Symbol.asyncDispose]: async () => undefined };
  const tracing = await openTracing({ config: config.tracing, warn: (message) => process.emitWarning(message) });
  const producer = composeProducer({
    config: { ...config, namespace: options.namespace ?? config.namespace },
    address: opened.address,
    ...{ agents, schedules, tracing },
  });
  return {
    ...producer,
    async [Symbol.asyncDispose]() {
      await producer[Symbol.asyncDispose]();
      await Promise.all([opened[Symbol.asyncDispose](), tracing?.[Symbol.asyncDispose]()]);
    },
  };
}

function addressOf(url: string, access: RedisAccess): RedisAddress {
  keepSecret(...passwordsOf(url));
  const address = parseRedisUrl(url, access);
  if ("got" in address) throw new InvalidInputError([{ ...address, source: "createProducer", path: "redisUrl" }]);
  return address;
}

async function resolveAgents(
  agents: string | readonly unknown[],
  options: CompileOptions,
): Promise<Pick<LoadedAgents, "agents" | "schedules">> {
  if (typeof agents === "string") return await loadAgents(agents, options);
  return parseAgentObjects(agents, options);
}
