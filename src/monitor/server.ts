import helmet from "@fastify/helmet";
import { fastify, type FastifyInstance } from "fastify";
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { countWorkers } from "../admission/sweeper.ts";
import type { Clock } from "../platform/clock.ts";
import { readLanes, type Lane } from "../queue/lane.ts";
import { readModelUsage } from "../storage/usage-report.ts";
import { guardAccess, type AccessOptions } from "./access.ts";
import { BOARD_PATH, registerBoard } from "./board.ts";
import { renderMetrics, type LaneState } from "./metrics.ts";
import { checkReadiness } from "./readiness.ts";

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

/** The HTTP server beside the workers: Bull Board, health and metrics. It listens when `listen` is called. */
export async function createMonitor(options: MonitorOptions): Promise<FastifyInstance> {
  const server = fastify({ bodyLimit: 64 * 1024, forceCloseConnections: true });
  guardAccess(server, options);
  await server.register(helmet, HEADERS);
  const lanes = async (): Promise<readonly Lane[]> => await readLanes(options.redis, options.namespace);
  await registerBoard(server, { lanes, queue: options.queue, readOnly: !options.writable });
  registerHealth(server, options);
  server.get("/metrics", async (_request, reply) => {
    const { contentType, body } = await renderMetrics(metricsSource(options, lanes));
    return await reply.header("content-type", contentType).send(body);
  });
  server.get("/", async (_request, reply) => await reply.redirect(BOARD_PATH));
  return server;
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
