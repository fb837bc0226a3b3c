import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import { RedisUnavailableError } from "../platform/redis.ts";
import { JobConflictError } from "../queue/enqueue-batch.ts";
import { whyUnavailable } from "./readiness.ts";

/** What an answer says that is no success. */
export interface ErrorAnswer {
  readonly status: number;
  /** One line for people. */
  readonly error: string;
  /** Everything that is wrong with what was sent. */
  readonly problems?: readonly Problem[];
}

/** A Redis that is away is no defect: 503, and why. What nobody expected tells nothing of itself. */
export function answerOf(error: unknown, redis: RedisClient): ErrorAnswer {
  if (error instanceof InvalidInputError) return { status: 400, error: error.message, problems: error.problems };
  if (error instanceof JobConflictError) return { status: 409, error: error.message };
  if (error instanceof RedisUnavailableError) return { status: 503, error: whyUnavailable(redis, error.cause) };
  if (isPassingRedisError(error)) return { status: 503, error: whyUnavailable(redis, error) };
  const { statusCode = 500, message = "" } = (error ?? {}) as Partial<FastifyError>;
  return statusCode < 500
    ? { status: statusCode, error: message }
    : { status: 500, error: "something went wrong here" };
}

/** For handlers of errors that are not ours: Bull Board's. */
export async function orUnavailable<T>(redis: RedisClient, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { status, error: message } = answerOf(error, redis);
    throw status === 503 ? Object.assign(new Error(message, { cause: error }), { statusCode: status }) : error;
  }
}

/** Addresses that fastify cannot read meet none of our hooks, and so not the one that sets headers. */
export function refuseBadAddress(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
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
