import type { IncomingHttpHeaders } from "node:http";
import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import { fastify, type FastifyInstance } from "fastify";
import { readLanes, type Lane } from "../queue/lane.ts";
import { readLaneStates } from "../queue/lane-states.ts";
import { guardAccess, type AccessOptions } from "./access/guard-access.ts";
import { registerApi, type ApiLimits } from "./api/register-api.ts";
import { registerBoard } from "./board.ts";
import { answerOf, orUnavailable, refuseBadAddress } from "./errors.ts";
import { renderMetrics } from "./metrics/render-metrics.ts";
import { createUsageSource } from "./metrics/usage-source.ts";
import { noteRoutes } from "./no-route.ts";
import { registerPages } from "./pages/register-pages.ts";
import { checkReadiness } from "./readiness.ts";
import type { MonitorSystem } from "./system.ts";

export interface MonitorOptions extends AccessOptions {
  readonly system: MonitorSystem;
  readonly apiLimits: ApiLimits;
  /** Runs a handler in the trace that its request is part of. Default: it is just run. */
  readonly continueTrace?: ((headers: IncomingHttpHeaders, run: () => void) => void) | undefined;
}

/** Names of lanes (chains of models) and ids of jobs are parts of addresses; fastify's own limit is 100 characters. */
const LONGEST_PARAMETER = 8192;

const MOST_BODY_BYTES = 512 * 1024;
const LONGEST_REQUEST_MS = 60_000;

/** The HTTP server beside the workers: pages, API, Bull Board, health and metrics. It listens when `listen` is called. */
export async function createMonitor(options: MonitorOptions): Promise<FastifyInstance> {
  const { system } = options;
  const server = fastify({
    bodyLimit: MOST_BODY_BYTES,
    forceCloseConnections: true,
    // For the whole of a request; fastify sets none.
    requestTimeout: LONGEST_REQUEST_MS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: refuseBadAddress,
  });
  // Before anything that may refuse a request: refusals need these headers as well.
  await server.register(helmet, HEADERS);
  await server.register(cookie);
  server.setErrorHandler(async (error, _request, reply) => {
    const { status, ...answer } = answerOf(error, system.redis);
    return await reply.status(status).send(answer);
  });
  const gate = guardAccess(server, options);
  const routes = noteRoutes(server);
  const { continueTrace } = options;
  // When the body has been read: what a socket emits need not be in the context of an earlier hook.
  if (continueTrace !== undefined)
    server.addHook("preHandler", (request, _reply, done) => continueTrace(request.headers, done));
  const lanes = async (): Promise<readonly Lane[]> => await readLanes(system.redis, system.namespace);
  await registerBoard(server, {
    lanes: async () => await orUnavailable(system.redis, lanes),
    queue: (name) => system.queues.get(name),
    routes,
  });
  registerHealth(server, system);
  registerMetrics(server, system);
  await registerApi(server, { system, routes, limits: options.apiLimits });
  await server.register(async (scope) => await registerPages(scope, { system, gate, routes }));
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

function registerHealth(server: FastifyInstance, { redis, namespace }: MonitorSystem): void {
  const probe = { config: { access: "probe" as const } };
  server.get("/healthz", probe, async () => ({ live: true }));
  server.get("/readyz", probe, async (_request, reply) => {
    const readiness = await checkReadiness(redis, namespace);
    return await reply.status(readiness.ready ? 200 : 503).send(readiness);
  });
}

function registerMetrics(server: FastifyInstance, system: MonitorSystem): void {
  const { redis, namespace, budgets, clock } = system;
  const usage = createUsageSource(redis, namespace);
  server.get("/metrics", async (_request, reply) => {
    const lanes = await readLaneStates(system);
    const source = { redis, namespace, lanes, usage, budgets, now: clock.now() };
    const { contentType, body } = await renderMetrics(source);
    return await reply.header("content-type", contentType).send(body);
  });
}
