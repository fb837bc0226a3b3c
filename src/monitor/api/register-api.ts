import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { documentedAs } from "../../platform/documented-as.ts";
import { refuseMethod, type KnownRoutes } from "../no-route.ts";
import type { MonitorSystem } from "../system.ts";
import { sendError } from "./api-errors.ts";
import { API_PATH, type ApiParts, type ApiScope } from "./api-scope.ts";
import { checkRequest, parseJson } from "./check-request.ts";
import { registerEnqueueJobs } from "./enqueue-jobs.ts";
import { registerHealth } from "./health.ts";
import { registerJobs } from "./jobs.ts";
import { transform, transformObject } from "./json-schemas.ts";
import { registerLanes } from "./lanes.ts";
import { limitRate } from "./rate-limit.ts";
import { answer, errors, VIEWERS } from "./route-schemas.ts";
import { registerRuns } from "./runs.ts";
import { registerSchedules } from "./schedules.ts";
import { registerUsage } from "./usage.ts";
import { createWaits } from "./waits.ts";

/** What programs may ask of this process. */
export interface ApiLimits {
  /** From one address with one token. */
  readonly requestsPerMinute: number;
  /** Requests that wait for a result at the same time, of all clients. */
  readonly waitingRequests: number;
}

export interface ApiOptions {
  readonly system: MonitorSystem;
  readonly routes: KnownRoutes;
  readonly limits: ApiLimits;
}

const DOCUMENT = {
  openapi: "3.1.0",
  info: {
    title: "Puppet Engine",
    version: "1",
    description:
      "Enqueue texts to write, get them, and steer what runs. Times are epoch milliseconds, amounts micro-USD (1e-6 USD). " +
      "Answers may get further fields. Jobs are sent as the library takes them (`conversation_history`); everything that is " +
      "answered is in camelCase, as the library gives it.",
  },
  servers: [{ url: "/", description: "This monitor." }],
  tags: [
    { name: "jobs", description: "Texts to write." },
    { name: "runs", description: "Many jobs that belong together." },
    { name: "lanes", description: "Queues of jobs with the same models, and pauses." },
    { name: "usage", description: "What was asked, and what it cost." },
    { name: "health", description: "How things are." },
  ],
  components: {
    securitySchemes: {
      token: {
        type: "http" as const,
        scheme: "bearer",
        description:
          "MONITOR_TOKEN (role operator) or MONITOR_VIEWER_TOKEN (role viewer). A monitor without tokens asks for none.",
      },
    },
  },
};

/** The API for programs of any language, below `/api/v1`. */
export async function registerApi(server: FastifyInstance, options: ApiOptions): Promise<void> {
  const { system, limits } = options;
  const waits = createWaits(limits.waitingRequests);
  await server.register(
    async (scope) => {
      await prepare(scope, options);
      scope.addHook("preClose", async () => await waits.endAll());
      registerRoutes(scope.withTypeProvider(), { system, waits });
    },
    { prefix: API_PATH },
  );
}

async function prepare(scope: FastifyInstance, { system, routes, limits }: ApiOptions): Promise<void> {
  scope.addHook("onRequest", async (_request, reply) => void reply.header("cache-control", "no-store"));
  limitRate(scope, limits.requestsPerMinute);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_request: unknown, body: Buffer) =>
    parseJson(body),
  );
  // Everything is checked at once, by the hook. Answers are ours: a result of a newer version is passed on as it is.
  scope.setValidatorCompiler(() => () => true);
  scope.setSerializerCompiler(() => (value) => JSON.stringify(value));
  scope.addHook("preValidation", checkRequest);
  scope.setErrorHandler(
    async (error, request, reply) => await sendError(error, request, { reply, redis: system.redis }),
  );
  scope.setNotFoundHandler(async (request, reply) => {
    const wrong = refuseMethod(request, reply, routes) ?? "there is no such route";
    return await reply.send({ error: `${wrong}; ${API_PATH}/openapi.json has them all` });
  });
  await scope.register(swagger, { openapi: DOCUMENT, transform, transformObject });
}

const openApiSchema = documentedAs(z.object({ openapi: z.string() }), {
  type: "object",
  properties: { openapi: { type: "string" } },
  required: ["openapi"],
  additionalProperties: true,
});

function registerRoutes(scope: ApiScope, parts: ApiParts): void {
  registerJobs(scope, parts);
  registerEnqueueJobs(scope, parts);
  registerRuns(scope, parts);
  registerLanes(scope, parts);
  registerUsage(scope, parts);
  registerHealth(scope, parts);
  registerSchedules(scope, parts);
  const schema = {
    ...VIEWERS,
    tags: ["health"],
    operationId: "readOpenApi",
    summary: "This document",
    description: "The API as OpenAPI 3.1, for programs that make clients.",
    response: { 200: answer("The document.", openApiSchema), ...errors() },
  };
  scope.get("/openapi.json", { schema }, async (_request, reply) => {
    return await reply.send(scope.swagger() as unknown as { openapi: string });
  });
}
