import type { Config } from "./config/load-config.ts";
import { createMonitor } from "./monitor/server.ts";
import { systemClock } from "./platform/clock.ts";
import { InvalidInputError } from "./platform/problem.ts";
import { connectRedis, type RedisAddress } from "./platform/redis.ts";
import { createLaneQueues } from "./queue/lane-queues.ts";

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
