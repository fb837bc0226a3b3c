import { readSnapshot } from "./admission/claims.ts";
import type { EpochWatch } from "./admission/epoch-watch.ts";
import { controlKeys } from "./admission/keys.ts";
import { createRedisAdmission } from "./admission/redis-admission.ts";
import type { Agent } from "./agents/agent.ts";
import { createBatcher, type Batcher } from "./batch/batcher.ts";
import { BatchStore } from "./batch/batch-store.ts";
import type { Config } from "./config/load-config.ts";
import { retentionOf } from "./config/config-file.ts";
import { admissionPolicyOf, batchSettingsOf } from "./config/policies.ts";
import type { GenerationDependencies } from "./generation/run.ts";
import type { GenerationJob } from "./job/generation-job.ts";
import { systemClock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import type { RedisClient } from "./platform/redis-client.ts";
import type { RetryOptions } from "./platform/redis-retry.ts";
import { JOB_NAME, queueOptions } from "./queue/job-codec.ts";
import type { LaneQueues } from "./queue/lane-queues.ts";
import { laneOf, QUARANTINE } from "./queue/lane.ts";

export interface BatcherParts {
  readonly config: Pick<Config, "namespace" | "file" | "providers">;
  readonly redis: RedisClient;
  readonly queues: LaneQueues;
  readonly generation: GenerationDependencies;
  readonly watch: EpochWatch;
  readonly retry: RetryOptions;
  readonly workerId: string;
  readonly logger: Logger;
}

/** Whose intents those of batches are. */
const BATCHES_INTENTS = "batches";
const CACHED_SNAPSHOTS = 1000;

/** The part of a worker that delivers jobs through batch APIs. */
export function composeBatcher({
  config,
  redis,
  queues,
  generation,
  workerId,
  logger,
  ...parts
}: BatcherParts): Batcher {
  const { namespace, file, providers } = config;
  const policy = admissionPolicyOf(file, providers.definitions);
  const admission = createRedisAdmission({
    ...{ redis, namespace, retention: retentionOf(file), workerId: BATCHES_INTENTS, outlivesWorkers: true, ...parts },
    // Vendors limit batches by rules of their own.
    policy: { ...policy, limits: [], unlimited: new Set(providers.definitions.map(({ id }) => id)) },
  });
  return createBatcher({
    ...{ generation, admission, workerId, logger, clock: systemClock },
    store: new BatchStore(redis, namespace),
    agentOf: createSnapshotReader(redis, namespace),
    async toLane(job, agent) {
      const { delivery: _delivery, ...live } = job;
      const lane = agent === null ? QUARANTINE : laneOf(agent);
      if (lane !== QUARANTINE) await redis.hsetnx(controlKeys(namespace).lanes, lane.name, lane.chain);
      await queues.get(lane.name).add(JOB_NAME, live, queueOptions(live));
    },
    settings: batchSettingsOf(file),
  });
}

function createSnapshotReader(redis: RedisClient, namespace: string): (job: GenerationJob) => Promise<Agent | null> {
  const known = new Map<string, Agent>();
  return async ({ snapshot }) => {
    const agent = known.get(snapshot) ?? (await readSnapshot(redis, namespace, snapshot));
    if (agent === null) return null;
    if (known.size >= CACHED_SNAPSHOTS) known.clear();
    known.set(snapshot, agent);
    return agent;
  };
}
