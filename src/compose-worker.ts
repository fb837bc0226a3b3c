import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { composeAlertWatcher } from "./compose-alerts.ts";
import { createEpochWatch } from "./admission/epoch-watch.ts";
import type { Admission } from "./admission/admission.ts";
import { createRedisAdmission, type RedisAdmissionOptions } from "./admission/redis-admission.ts";
import type { Retention } from "./admission/write-settlement.ts";
import { buildMessages } from "./agents/build-prompt.ts";
import { reviseMessages } from "./agents/revise-prompt.ts";
import { type Config } from "./config/load-config.ts";
import { retentionOf } from "./config/config-file.ts";
import { admissionPolicyOf, generationPolicyOf, varietySettingsOf } from "./config/policies.ts";
import type { GenerationDependencies } from "./generation/run.ts";
import { createTokenEstimator } from "./generation/token-estimator.ts";
import { systemClock, within } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import { packageVersion } from "./platform/package-root.ts";
import type { RedisClient } from "./platform/redis-client.ts";
import { untilRedisAnswers, type RetryOptions } from "./platform/redis-retry.ts";
import { isWriteRefusal, troubleOf } from "./platform/redis-trouble.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { sampleErrors } from "./platform/sampled-errors.ts";
import { createProviders, type ProviderRegistry } from "./providers/registry.ts";
import { createResponseCache } from "./storage/response-cache.ts";
import { openRefusedParameters } from "./storage/refused-parameters.ts";
import { createConsumer } from "./queue/consumer.ts";
import { createLaneQueues } from "./queue/lane-queues.ts";
import { createLaneWorkers } from "./queue/lane-workers.ts";
import { measureAdmission } from "./queue/measured-admission.ts";
import { attemptLogger, breakerLogger, budgetLogger, stepLogger } from "./queue/log-lines.ts";
import { traceConsumer } from "./queue/queue-tracing.ts";
import { createScheduleStore } from "./queue/schedule-store.ts";
import type { TickContext } from "./queue/schedule-tick.ts";
import { createScheduleTicker, type ScheduleTicker } from "./queue/schedule-ticker.ts";
import { tidy } from "./queue/tidy.ts";
import { createWorkCounters, type WorkCounters } from "./queue/work-counters.ts";
import { openWorkerReport } from "./queue/worker-report.ts";
import { startGenerationWorker, type GenerationWorker } from "./queue/worker.ts";
import { createWriteGate } from "./queue/write-gate.ts";
import { createTopicsReader } from "./schedules/topics-reader.ts";
import { createTextFeeds } from "./storage/text-feed.ts";
import type { ServerAddress } from "./telemetry/call-spans.ts";
import type { Tracing } from "./telemetry/open-tracing.ts";
import { createVarietyGuard } from "./variety/redis-variety-guard.ts";
import type { VarietyGuard } from "./generation/variety-guard.ts";
import { composeBatcher } from "./compose-batcher.ts";
import { composePrices } from "./compose.ts";

export interface WorkerParts {
  readonly config: Pick<
    Config,
    "namespace" | "file" | "providers" | "concurrency" | "agentsDirectory" | "alertWebhook"
  >;
  readonly address: RedisAddress;
  readonly logger: Logger;
  /** How often it is looked for alerts; default 15,000. */
  readonly alertsEveryMs?: number;
  /** Default: no spans are made. */
  readonly tracing?: Tracing | undefined;
}

/** Starts a worker: it takes jobs until it is stopped. */
export async function composeWorker({ config, address, logger, ...options }: WorkerParts): Promise<GenerationWorker> {
  const { alertsEveryMs, tracing } = options;
  const { namespace, file, concurrency } = config;
  const workerId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const redis = connectRedis(address, "control");
  const queueRedis = connectRedis(address, "queue");
  const giveUp = new AbortController();
  const retention: Retention = retentionOf(file);
  const tellTrouble = sampleErrors(logger, systemClock);
  const gate = createWriteGate({ redis, namespace, clock: systemClock, logger });
  const onFailure = (error: Error): void => {
    if (isWriteRefusal(error)) gate.shut();
    const { kind, remedy } = troubleOf(error);
    tellTrouble(kind, { err: error.message, remedy }, "Redis does not take our commands; trying on");
  };
  const retry: RetryOptions = { signal: giveUp.signal, onFailure };
  const watch = createEpochWatch();
  const work = createWorkCounters();
  const admission = admissionOf(config, { redis, workerId, retention, watch, retry, work });
  const providers = providersOf(config);
  const openTextFeed = createTextFeeds(redis, namespace);
  const refused = await openRefusedParameters(redis, namespace, systemClock);
  const cache = createResponseCache({ redis, namespace, clock: systemClock, countersMs: retention.countersMs });
  const variety = varietyOf(config, { redis, retry });
  const parts = { admission, openTextFeed, providers, refused, cache, variety, work, logger, tracing };
  const generation = generationDependencies(config, parts);
  const telemetry = tracing?.queues.telemetry;
  const queues = createLaneQueues(queueRedis, namespace, telemetry);
  const batcher = composeBatcher({ config, redis, queues, generation, watch, retry, workerId, logger });
  const fileForBatch = batcher.file;
  const untraced = createConsumer({
    ...{ redis, namespace, admission, generation, queues, fileForBatch, logger, tellTrouble },
  });
  const consumer = traceConsumer(untraced, tracing?.queues);
  const isConfigured = (provider: string): boolean => providers.get(provider) !== undefined;
  const laneWorkers = createLaneWorkers({
    ...{ redis, queueRedis, namespace, concurrency, isConfigured, consumer, gate, work, telemetry, logger },
    ...{ lanes: file.worker.lanes ?? null, clock: systemClock },
  });
  const sweeper = { redis, namespace, workerId, retention, onOrphan: attemptLogger(logger) };
  const about = { id: workerId, host: hostname(), pid: process.pid, version: packageVersion(), concurrency };
  const { countersMs } = retention;
  const report = openWorkerReport({
    ...{ redis, namespace, about, work, countersMs, logger },
    ...{ lanes: laneWorkers, clock: systemClock },
  });
  const background = openBackground(config, { redis, queues, logger, alertsEveryMs });
  const disconnect = closing({ background, batcher, queues, providers, gate, connections: [redis, queueRedis] });
  const worker = await startGenerationWorker({
    ...{ redis, workerId, consumer, laneWorkers, watch, sweeper, report },
    tidy: async () => await tidy({ redis, namespace, queues, retention, clock: systemClock }),
    ...{ logger, giveUp, disconnect },
  });
  background.start();
  batcher.start();
  return worker;
}

interface Closing {
  readonly background: { close(): Promise<void> };
  readonly batcher: { stop(): Promise<void> };
  readonly queues: { close(): Promise<void> };
  readonly providers: { close(): Promise<void> };
  readonly gate: { close(): void };
  readonly connections: readonly RedisClient[];
}

/** What waits for a Redis that is gone ends with its connection. */
const LONGEST_CLOSE_MS = 2000;

function closing({ background, batcher, queues, providers, gate, connections }: Closing): () => Promise<void> {
  const close = async (): Promise<void> => {
    gate.close();
    await background.close();
    await batcher.stop();
    await queues.close();
  };
  return async () => {
    await within(LONGEST_CLOSE_MS, close());
    for (const connection of connections) connection.disconnect();
    await providers.close();
  };
}

/** Well within a lock's duration, so that the job can still be given back; longer than a hiccup. */
const ADMIT_PATIENCE_MS = 3000;

interface AdmissionParts extends Pick<RedisAdmissionOptions, "redis" | "workerId" | "retention" | "watch" | "retry"> {
  readonly work: WorkCounters;
}

function admissionOf(
  { namespace, file, providers }: WorkerParts["config"],
  { work, ...parts }: AdmissionParts,
): Admission {
  const policy = admissionPolicyOf(file, providers.definitions);
  const admitRetry = { ...parts.retry, patienceMs: ADMIT_PATIENCE_MS };
  return measureAdmission(createRedisAdmission({ ...parts, admitRetry, namespace, policy }), work, systemClock);
}

interface BackgroundParts extends Pick<TickContext, "redis" | "queues" | "logger"> {
  readonly alertsEveryMs: number | undefined;
}

/** What a worker does besides jobs: it looks after schedules and alerts. */
function openBackground(
  config: WorkerParts["config"],
  { alertsEveryMs, ...parts }: BackgroundParts,
): Pick<ScheduleTicker, "start" | "close"> {
  const ticker = openTicker(config, parts);
  const alerts = composeAlertWatcher({ ...parts, config, lookEveryMs: alertsEveryMs });
  return {
    start() {
      if (config.file.schedules.enabled) ticker.start();
      alerts.start();
    },
    close: async () => void (await Promise.all([ticker.close(), alerts.close()])),
  };
}

function openTicker(
  { namespace, agentsDirectory }: WorkerParts["config"],
  parts: Omit<BackgroundParts, "alertsEveryMs">,
): ScheduleTicker {
  const store = createScheduleStore(parts.redis, namespace);
  const topicsOf = createTopicsReader(agentsDirectory, parts.logger);
  return createScheduleTicker({ ...parts, namespace, store, topicsOf, clock: systemClock });
}

function varietyOf(
  { file, namespace }: WorkerParts["config"],
  { redis, retry }: { readonly redis: RedisClient; readonly retry: RetryOptions },
): VarietyGuard | null {
  const settings = varietySettingsOf(file);
  if (settings === null) return null;
  const guard = createVarietyGuard({ redis, namespace, clock: systemClock, settings });
  return { claim: async (...claim) => await untilRedisAnswers(() => guard.claim(...claim), retry) };
}

function providersOf({ file, providers }: WorkerParts["config"]): ProviderRegistry {
  const { settings, definitions, catalogue, trustedHosts } = providers;
  return createProviders(settings, {
    ...{ definitions, catalogue, limitGroups: file.limitGroups },
    transport: { idleTimeoutMs: Math.round(file.idleSeconds * 1000), trustedHosts },
  });
}

interface GenerationParts {
  readonly admission: GenerationDependencies["admission"];
  readonly openTextFeed: GenerationDependencies["openTextFeed"];
  readonly providers: ProviderRegistry;
  readonly refused: GenerationDependencies["refused"];
  readonly cache: GenerationDependencies["cache"];
  readonly variety: GenerationDependencies["variety"];
  readonly work: WorkCounters;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
}

function generationDependencies(
  config: Pick<Config, "file" | "providers">,
  { admission, openTextFeed, providers, refused, cache, variety, work, logger, tracing }: GenerationParts,
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
    traceCall: tracing?.callTracer(serversOf(config.providers)),
    onAttempt: attemptLogger(logger),
    onStep: stepLogger(logger),
    onFailOver: (from, to) => work.count("failOver", { from, to }),
    onBreaker: breakerLogger(logger, file.breaker.openSeconds * 1000),
    onBudget: budgetLogger(logger),
  };
}

/** Where each provider's API is, for spans of calls. */
function serversOf({ definitions, settings }: Config["providers"]): ReadonlyMap<string, ServerAddress> {
  return new Map(
    definitions.flatMap(({ id, defaultBaseUrl }) => {
      const baseUrl = settings[id]?.baseUrl ?? defaultBaseUrl;
      if (baseUrl === null) return [];
      const { hostname: address, port, protocol } = new URL(baseUrl);
      return [[id, { address, port: port === "" ? (protocol === "http:" ? 80 : 443) : Number(port) }]];
    }),
  );
}
