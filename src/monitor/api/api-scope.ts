import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { MonitorSystem } from "../system.ts";
import type { Waits } from "./waits.ts";

/** Where the API's routes are entered: their schemas are zod's. */
export type ApiScope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes work with. */
export interface ApiParts {
  readonly system: MonitorSystem;
  readonly waits: Waits;
}

export const API_PATH = "/api/v1";
