import type { Agent } from "./agents/agent.ts";
import { composeProducer } from "./compose.ts";
import type { Config } from "./config/load-config.ts";
import { admissionPolicyOf } from "./config/policies.ts";
import { needsToken } from "./monitor/access/roles.ts";
import { createMonitor } from "./monitor/server.ts";
import { systemClock } from "./platform/clock.ts";
import { InvalidInputError } from "./platform/problem.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { createLaneQueues } from "./queue/lane-queues.ts";
import type { Schedule } from "./schedules/schedule.ts";
import type { Tracing } from "./telemetry/open-tracing.ts";

export interface MonitorParts {
  readonly config: Pick<Config, "namespace" | "monitor" | "file" | "providers">;
  readonly address: RedisAddress;
  /** Nobody changes anything through it. */
  readonly readOnly: boolean;
  /** Whom jobs can be enqueued for. */
  readonly agents: ReadonlyMap<string, Agent>;
  readonly schedules: ReadonlyMap<string, Schedule>;
  /** Default: the shipped neutral writer. */
  readonly defaultAgent?: Agent;
  /** Default: no spans are made, and requests continue no trace. */
  readonly tracing?: Tracing | undefined;
}

/** The monitor while it listens. */
export interface RunningMonitor extends AsyncDisposable {
  /** Where people find it, e.g. `http://127.0.0.1:3700`. */
  readonly url: string;
}

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]", "::1"];

/** @throws InvalidInputError when others could reach it without a token, or when the address is taken */
export async function composeMonitor({ readOnly, ...parts }: MonitorParts): Promise<RunningMonitor> {
  const { config, address } = parts;
  const { host, port, tokens, allowedHosts } = config.monitor;
  const problem = { source: "environment", path: "MONITOR_HOST" };
  if (!needsToken(tokens) && !LOOPBACK_HOSTS.includes(host)) {
    throw new InvalidInputError([
      { ...problem, got: `${host} without a token`, expected: "127.0.0.1, or MONITOR_TOKEN set as well" },
    ]);
  }
  const redis = connectRedis(address, "producer");
  const queueRedis = connectRedis(address, "producer-queue");
  const queues = createLaneQueues(queueRedis, config.namespace);
  const producer = composeProducer(parts);
  const policy = admissionPolicyOf(config.file, config.providers.definitions);
  const server = await createMonitor({
    system: {
      ...{ redis, queues, producer, clock: systemClock },
      namespace: config.namespace,
      budgets: policy.budgets,
      limits: policy.limits,
      providers: config.providers.definitions.map(({ id }) => id),
    },
    apiLimits: config.file.monitor,
    ...{ tokens, readOnly, clock: systemClock },
    allowedHosts: new Set([...LOOPBACK_HOSTS, host, ...allowedHosts]),
    continueTrace: parts.tracing?.continueTrace,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await producer[Symbol.asyncDispose]();
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
