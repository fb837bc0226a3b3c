import helmet from "@fastify/helmet";
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { countWorkers } from "../admission/sweeper.ts";
import type { Clock } from "../platform/clock.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import { readLanes, type Lane } from "../queue/lane.ts";
import { readModelUsage } from "../storage/usage-report.ts";
import { guardAccess, type AccessOptions } from "./access.ts";
import { BOARD_PATH, registerBoard } from "./board.ts";
import { renderMetrics, type LaneState } from "./metrics.ts";
import { checkReadiness, whyUnavailable } from "./readiness.ts";

export interface MonitorOptions extends AccessOptions {
  readonly redis: Redis;
  readonly namespace: string;
  readonly queue: (laneName: string) => Queue;
  /** Whether Bull Board's buttons do anything. */
  readonly writable: boolean;
  readonly clock: Clock;
}

/** Counters live this long, so metrics that only grow are their sum over that time. */
const COUNTER_DAYS = 400;

/** Names of lanes (chains of models) and ids of jobs are parts of addresses; fastify's own limit is 100 characters. */
const LONGEST_PARAMETER = 8192;

/** The HTTP server beside the workers: Bull Board, health and metrics. It listens when `listen` is called. */
export async function createMonitor(options: MonitorOptions): Promise<FastifyInstance> {
  const server = fastify({
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: refuseBadAddress,
  });
  // Before anything that may refuse a request: refusals need these headers as well.
  await server.register(helmet, HEADERS);
  guardAccess(server, options);
  const lanes = async (): Promise<readonly Lane[]> => await fromRedis(options, readLanes);
  await registerBoard(server, { lanes, queue: options.queue, readOnly: !options.writable });
  registerHealth(server, options);
  server.get("/metrics", async (_request, reply) => {
    const { contentType, body } = await fromRedis(options, () => renderMetrics(metricsSource(options, lanes)));
    return await reply.header("content-type", contentType).send(body);
  });
  server.get("/", async (_request, reply) => await reply.redirect(BOARD_PATH));
  return server;
}

/** Addresses that fastify cannot read meet none of our hooks, and so not the one that sets headers. */
function refuseBadAddress(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .status(400)
    .headers({
      "content-security-policy": "default-src 'none';frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    })
    .send({ error: "not a valid address" });
}

/** A Redis that is away is no defect: 503, and why. */
async function fromRedis<T>(
  { redis, namespace }: MonitorOptions,
  read: (redis: Redis, namespace: string) => Promise<T>,
): Promise<T> {
  try {
    return await read(redis, namespace);
  } catch (error) {
    if (!isPassingRedisError(error)) throw error;
    throw Object.assign(new Error(whyUnavailable(redis, error), { cause: error }), { statusCode: 503 });
  }
}

/** No frames, no other origin, no referrer. Bull Board sets styles of elements from script. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", "data:"],
      objectSrc: ["'none'"],
      baseUri: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: "deny" as const },
  referrerPolicy: { policy: "no-referrer" as const },
  // Plain http on loopback; whoever puts TLS in front of it adds this there.
  strictTransportSecurity: false,
};

function registerHealth(server: FastifyInstance, { redis, namespace }: MonitorOptions): void {
  server.get("/healthz", async () => ({ live: true }));
  server.get("/readyz", async (_request, reply) => {
    const readiness = await checkReadiness(redis, namespace);
    return await reply.status(readiness.ready ? 200 : 503).send(readiness);
  });
}

function metricsSource({ redis, namespace, queue, clock }: MonitorOptions, lanes: () => Promise<readonly Lane[]>) {
  return {
    lanes: async () => await Promise.all((await lanes()).map((lane) => laneState(lane, queue(lane.name)))),
    workers: async () => await countWorkers(redis, namespace),
    usage: async () => await readModelUsage(redis, namespace, { now: clock.now(), days: COUNTER_DAYS }),
    now: () => clock.now(),
  };
}

async function laneState(lane: Lane, queue: Queue): Promise<LaneState> {
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = await queue.getJobCounts();
  const next = await queue.getJobs(["waiting", "prioritized"], 0, 0, true);
  const timestamps = next.map(({ timestamp }) => timestamp);
  const counts = { waiting: waiting + prioritized, active, delayed, failed };
  return { lane, counts, oldestAt: timestamps.length === 0 ? null : Math.min(...timestamps) };
}
