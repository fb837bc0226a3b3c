import { randomBytes } from "node:crypto";
import { createAlertWatcher, type AlertWatcher } from "./alerts/watcher.ts";
import { alertMessage, createWebhook, type SendOutcome } from "./alerts/webhook.ts";
import type { AlertWebhook } from "./config/alert-webhook.ts";
import type { Config } from "./config/load-config.ts";
import { alertRulesOf, budgetPolicyOf } from "./config/policies.ts";
import { systemClock, type Clock } from "./platform/clock.ts";
import type { Logger } from "./platform/logger.ts";
import type { RedisClient } from "./platform/redis-client.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { readBacklogs } from "./queue/lane-backlog.ts";
import { createLaneQueues, type LaneQueues } from "./queue/lane-queues.ts";

export interface AlertWatcherParts {
  readonly config: Pick<Config, "namespace" | "file" | "alertWebhook">;
  readonly redis: RedisClient;
  readonly queues: LaneQueues;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly lookEveryMs?: number | undefined;
  /** For a process without a worker; see `WatcherOptions`. */
  readonly isStandIn?: boolean;
}

/** Looks for what wants a person, and tells; nothing happens before `start`. */
export function composeAlertWatcher({ config, redis, queues, logger, ...parts }: AlertWatcherParts): AlertWatcher {
  const { namespace, file, alertWebhook } = config;
  const { clock = systemClock, isStandIn = false, lookEveryMs } = parts;
  return createAlertWatcher({
    ...{ redis, namespace, logger, clock, isStandIn },
    readBacklogs: async (now) => await readBacklogs({ redis, namespace, queues }, now),
    rules: alertRulesOf(file),
    budgets: budgetPolicyOf(file),
    webhook: alertWebhook === null ? null : createWebhook({ ...alertWebhook, trustedHosts: file.trustedEndpointHosts }),
    ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
  });
}

/** The same for a process without a worker: when the last one has died only such a one can tell. @returns what ends it */
export function startAlertWatcher(
  config: AlertWatcherParts["config"],
  address: RedisAddress,
  logger: Logger,
): AsyncDisposable {
  const redis = connectRedis(address, "control");
  const queueRedis = connectRedis(address, "queue");
  const queues = createLaneQueues(queueRedis, config.namespace);
  const watcher = composeAlertWatcher({ config, redis, queues, logger, isStandIn: true });
  watcher.start();
  return {
    async [Symbol.asyncDispose]() {
      await watcher.close();
      await queues.close();
      for (const connection of [redis, queueRedis]) connection.disconnect();
    },
  };
}

/** Tries whether alerts arrive. Sends one, whatever there is to tell; nothing is noted. */
export async function sendTestAlert(
  { namespace, file }: Pick<Config, "namespace" | "file">,
  target: AlertWebhook,
): Promise<SendOutcome> {
  await using webhook = createWebhook({ ...target, trustedHosts: file.trustedEndpointHosts });
  const at = new Date(systemClock.now()).toISOString();
  const alertId = randomBytes(6).toString("hex");
  const message = alertMessage({
    ...{ id: `${alertId}.1`, alertId, state: "firing", kind: "test", subject: "test", severity: "warning", namespace },
    message: "this is a test of `puppet-engine alerts test`: nothing is wrong",
    ...{ sinceAt: at, sentAt: at, details: {} },
  });
  return await webhook.send(message, new AbortController().signal);
}
