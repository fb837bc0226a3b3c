import { isJobKnown, readAgentOfJob } from "./admission/claims.ts";
import { readAlerts, type AlertsReport } from "./alerts/alert-store.ts";
import type { Agent } from "./agents/agent.ts";
import { BatchStore } from "./batch/batch-store.ts";
import type { BatchRecord } from "./job/batch-record.ts";
import { budgetPolicyOf } from "./config/policies.ts";
import type { Config } from "./config/load-config.ts";
import { connectRedis, withRedis, type RedisAddress } from "./platform/redis.ts";
import { createLaneQueues, type LaneQueues } from "./queue/lane-queues.ts";
import { isSpecialLane, providersOf, readLanes, type Lane } from "./queue/lane.ts";
import {
  isLanePaused,
  pauseTarget,
  readOperatorPauses,
  resumeTarget,
  type OperatorPause,
  type PauseTarget,
} from "./queue/operator-pauses.ts";
import { readHealth, type HealthReport } from "./storage/health-report.ts";

/** What `health` tells. */
export interface OperatorHealth extends HealthReport {
  /** What operators have paused, in order of time. */
  readonly operatorPauses: readonly OperatorPause[];
}

export interface AffectedLanes {
  /** They can call nobody now. */
  readonly standing: readonly Lane[];
  /** They have somebody else to call. */
  readonly goingOn: readonly Lane[];
}

/** What a person does to a running system. Everything throws RedisUnavailableError. */
export interface Operator extends AsyncDisposable {
  /** Those that can be paused: all that producers have used so far, without the quarantine. */
  lanes(): Promise<readonly Lane[]>;
  /** In order of time. */
  pauses(): Promise<readonly OperatorPause[]>;
  /** @returns false: it was paused already */
  pause(target: PauseTarget): Promise<boolean>;
  /** Resuming `all` ends every pause. @returns false: it was not paused */
  resume(target: PauseTarget): Promise<boolean>;
  /** The lanes that need the target, as they are now. */
  affectedBy(target: PauseTarget): Promise<AffectedLanes>;
  readonly batches: {
    /** Those under way, oldest first; then those that ended within 30 days, newest first. */
    list(): Promise<readonly BatchRecord[]>;
    read(id: string): Promise<BatchRecord | null>;
    /** @returns false: there is no such batch under way */
    cancel(id: string): Promise<boolean>;
  };
  /** The agent as a job runs it; `null`: there is no such job. */
  agentOf(jobId: string): Promise<Agent | null>;
  /** It was enqueued, and is still remembered. */
  isJobKnown(jobId: string): Promise<boolean>;
  /** @param now epoch ms */
  health(now: number): Promise<OperatorHealth>;
  /** What wants a person, as a worker or the monitor has seen it last. */
  alerts(): Promise<AlertsReport>;
}

export interface OperatorParts {
  readonly config: Pick<Config, "namespace" | "file">;
  readonly address: RedisAddress;
}

export function composeOperator({ config, address }: OperatorParts): Operator {
  const { namespace, file } = config;
  const redis = connectRedis(address, "producer");
  const store = new BatchStore(redis, namespace);
  const lanes = async (): Promise<Lane[]> =>
    (await readLanes(redis, namespace)).filter(({ name }) => !isSpecialLane(name));
  const pauses = async (): Promise<OperatorPause[]> =>
    (await readOperatorPauses(redis, namespace)).sort((a, b) => a.sinceAt - b.sinceAt);
  const tell = async (change: typeof pauseTarget, target: PauseTarget): Promise<boolean> =>
    await withQueues(address, namespace, async (queues) => await change(target, { redis, namespace, queues }));
  return {
    lanes: async () => await withRedis(address, lanes),
    pauses: async () => await withRedis(address, pauses),
    pause: async (target) => await withRedis(address, () => tell(pauseTarget, target)),
    resume: async (target) => await withRedis(address, () => tell(resumeTarget, target)),
    affectedBy: async (target) =>
      await withRedis(address, async () => {
        const needing = (await lanes()).filter((lane) => needs(lane, target));
        const still = await Promise.all(needing.map(({ name }) => isLanePaused(redis, namespace, name)));
        return {
          standing: needing.filter((_, index) => still[index]),
          goingOn: needing.filter((_, index) => !still[index]),
        };
      }),
    batches: {
      list: async () => await withRedis(address, async () => [...(await store.underWay()), ...(await store.ended())]),
      read: async (id) => await withRedis(address, () => store.read(id)),
      cancel: async (id) => await withRedis(address, () => store.cancel(id)),
    },
    agentOf: async (jobId) => await withRedis(address, () => readAgentOfJob(redis, namespace, jobId)),
    isJobKnown: async (jobId) => await withRedis(address, () => isJobKnown(redis, namespace, jobId)),
    health: async (now) =>
      await withRedis(address, async () => ({
        ...(await readHealth(redis, namespace, { now, budgets: budgetPolicyOf(file) })),
        operatorPauses: await pauses(),
      })),
    alerts: async () => await withRedis(address, () => readAlerts(redis, namespace)),
    [Symbol.asyncDispose]: async () => redis.disconnect(),
  };
}

function needs({ name, chain }: Lane, target: PauseTarget): boolean {
  switch (target.what) {
    case "all":
      return true;
    case "provider":
      return providersOf(chain).includes(target.name);
    case "lane":
      return name === target.name;
    default:
      return target satisfies never;
  }
}

async function withQueues<T>(
  address: RedisAddress,
  namespace: string,
  use: (queues: LaneQueues) => Promise<T>,
): Promise<T> {
  const redis = connectRedis(address, "producer-queue");
  const queues = createLaneQueues(redis, namespace);
  try {
    return await use(queues);
  } finally {
    await queues.close();
    redis.disconnect();
  }
}
