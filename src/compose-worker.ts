import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { createEpochWatch } from "./admission/epoch-watch.ts";
import { createRedisAdmission } from "./admission/redis-admission.ts";
import type { Retention } from "./admission/write-settlement.ts";
import { buildMessages } from "./agents/build-prompt.ts";
import { reviseMessages } from "./agents/revise-prompt.ts";
import { type Config } from "./config/load-config.ts";
import { retentionOf } from "./config/config-file.ts";
import { admissionPolicyOf, generationPolicyOf, varietySettingsOf } from "./config/policies.ts";
import type { GenerationDependencies } from "./generation/run.ts";
import { createTokenEstimator } from "./generation/token-estimator.ts";
import { systemClock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import { untilRedisAnswers, type RetryOptions } from "./platform/redis-retry.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { createProviders, type ProviderRegistry } from "./providers/registry.ts";
import { createResponseCache } from "./storage/response-cache.ts";
import { openRefusedParameters } from "./storage/refused-parameters.ts";
import { createConsumer } from "./queue/consumer.ts";
import { createLaneQueues } from "./queue/lane-queues.ts";
import { createLaneWorkers } from "./queue/lane-workers.ts";
import { attemptLogger, breakerLogger, budgetLogger, stepLogger } from "./queue/log-lines.ts";
import { createScheduleStore } from "./queue/schedule-store.ts";
import type { TickContext } from "./queue/schedule-tick.ts";
import { createScheduleTicker, type ScheduleTicker } from "./queue/schedule-ticker.ts";
import { startGenerationWorker, type GenerationWorker } from "./queue/worker.ts";
import { createTopicsReader } from "./schedules/topics-reader.ts";
import { createTextFeeds } from "./storage/text-feed.ts";

import { createVarietyGuard } from "./variety/redis-variety-guard.ts";
import type { VarietyGuard } from "./generation/variety-guard.ts";
import { composeBatcher } from "./compose-batcher.ts";
import { composePrices } from "./compose.ts";

export interface WorkerParts {
  readonly config: Pick<Config, "namespace" | "file" | "providers" | "concurrency" | "agentsDirectory">;
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
  const retry: RetryOptions = { signal: giveUp.signal, onFailure };
  const watch = createEpochWatch();
  const admission = createRedisAdmission({
    redis,
    namespace,
    workerId,
    retention,
    policy: admissionPolicyOf(file, config.providers.definitions),
    watch,
    retry,
  });
  const providers = providersOf(config);
  const openTextFeed = createTextFeeds(redis, namespace);
  const refused = await openRefusedParameters(redis, namespace, systemClock);
  const cache = createResponseCache({ redis, namespace, clock: systemClock, countersMs: retention.countersMs });
  const variety = varietyOf(config, { redis, retry });
  const parts = { admission, openTextFeed, providers, refused, cache, variety, logger };
  const generation = generationDependencies(config, parts);
  const queues = createLaneQueues(queueRedis, namespace);
  const batcher = composeBatcher({ config, redis, queues, generation, watch, retry, workerId, logger });
  const fileForBatch = batcher.file;
  const consumer = createConsumer({ redis, namespace, admission, generation, queues, fileForBatch, logger });
  const isConfigured = (provider: string): boolean => providers.get(provider) !== undefined;
  const { concurrency } = config;
  const laneWorkers = createLaneWorkers({
    ...{ redis, queueRedis, namespace, concurrency, isConfigured, consumer, logger },
    ...{ lanes: file.worker.lanes ?? null, clock: systemClock },
  });
  const onOrphan = attemptLogger(logger);
  const sweeper = { redis, namespace, workerId, retention, onOrphan };
  const ticker = openTicker(config, { redis, queues, logger });
  const disconnect = async (): Promise<void> => {
    await ticker.close();
    await batcher.stop();
    await queues.close();
    await providers.close();
    for (const connection of [redis, queueRedis] satisfies Redis[]) connection.disconnect();
  };
  const worker = await startGenerationWorker({
    ...{ redis, workerId, consumer, laneWorkers, watch, sweeper },
    ...{ logger, giveUp, disconnect },
  });
  if (file.schedules.enabled) ticker.start();
  batcher.start();
  return worker;
}

type TickerParts = Pick<TickContext, "redis" | "queues" | "logger">;

function openTicker({ namespace, agentsDirectory }: WorkerParts["config"], parts: TickerParts): ScheduleTicker {
  const store = createScheduleStore(parts.redis, namespace);
  const topicsOf = createTopicsReader(agentsDirectory, parts.logger);
  return createScheduleTicker({ ...parts, namespace, store, topicsOf, clock: systemClock });
}

function varietyOf(
  { file, namespace }: WorkerParts["config"],
  { redis, retry }: { readonly redis: Redis; readonly retry: RetryOptions },
): VarietyGuard | null {
  const settings = varietySettingsOf(file);
  if (settings === null) return null;
  const guard = createVarietyGuard({ redis, namespace, clock: systemClock, settings });
  return { claim: async (...claim) => await untilRedisAnswers(() => guard.claim(...claim), retry) };
}

function providersOf({ file, providers }: WorkerParts["config"]): ProviderRegistry {
  const { settings, definitions, catalogue } = providers;
  return createProviders(settings, {
    ...{ definitions, catalogue, limitGroups: file.limitGroups },
    transport: { idleTimeoutMs: Math.round(file.idleSeconds * 1000) },
  });
}

interface GenerationParts {
  readonly admission: GenerationDependencies["admission"];
  readonly openTextFeed: GenerationDependencies["openTextFeed"];
  readonly providers: ProviderRegistry;
  readonly refused: GenerationDependencies["refused"];
  readonly cache: GenerationDependencies["cache"];
  readonly variety: GenerationDependencies["variety"];
  readonly logger: Logger;
}

function generationDependencies(
  config: Pick<Config, "file" | "providers">,
  { admission, openTextFeed, providers, refused, cache, variety, logger }: GenerationParts,
): GenerationDependencies {
  const { file } = config;
  return {
    admission,
    provider: (id) => providers.get(id),
    catalogue: config.providers.catalogue,
    prices: composePrices(config),
    estimator: createTokenEstimator(),
    refused,
    policy: generationPolicyOf(file),
    clock: systemClock,
    cache,
    variety,
    reviseMessages,
    buildMessages: (agent, job) => buildMessages(agent, job.input, job.turn),
    openTextFeed,
    onAttempt: attemptLogger(logger),
    onStep: stepLogger(logger),
    onBreaker: breakerLogger(logger, file.breaker.openSeconds * 1000),
    onBudget: budgetLogger(logger),
  };
}
