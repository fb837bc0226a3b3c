import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isOfSize } from "../../job/job-size.ts";
import { formatProblem, InvalidInputError, showValue, type Problem } from "../../platform/problem.ts";
import type { RedisClient } from "../../platform/redis-client.ts";
import { answerOf, type ErrorAnswer } from "../errors.ts";
import { TooManyWaitsError } from "./waits.ts";

/** Answers an error in the words that all others are told in. */
export async function sendError(
  error: unknown,
  request: FastifyRequest,
  { reply, redis }: SendOptions,
): Promise<FastifyReply> {
  if (error instanceof TooManyWaitsError) {
    return await reply.status(503).header("retry-after", error.retryAfterSeconds).send({ error: error.message });
  }
  const { status, ...answer } = ofBody(error, request) ?? answerOf(error, redis);
  // Redis is in trouble, which takes seconds to pass, or somebody to do something.
  if (status === 503) void reply.header("retry-after", RETRY_AFTER_SECONDS);
  return await reply.status(status).send(answer);
}

const RETRY_AFTER_SECONDS = 5;

interface SendOptions {
  readonly reply: FastifyReply;
  readonly redis: RedisClient;
}

/** `null`: it has nothing to do with how a body was sent, or how large it is. */
function ofBody(error: unknown, { headers, routeOptions }: FastifyRequest): ErrorAnswer | null {
  if (error instanceof InvalidInputError && error.problems.some(isOfSize)) {
    return { status: 413, error: error.message, problems: error.problems };
  }
  switch ((error as Partial<FastifyError> | null)?.code) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return refusal(415, {
        source: "headers",
        path: "content-type",
        got: showValue(headers["content-type"]),
        expected: "application/json",
      });
    case "FST_ERR_CTP_BODY_TOO_LARGE": {
      const most = routeOptions.bodyLimit ?? 0;
      return refusal(413, {
        source: "body",
        path: "",
        got: `more than ${most} bytes`,
        expected: `at most ${most} bytes`,
      });
    }
    default:
      return null;
  }
}

function refusal(status: number, problem: Problem): ErrorAnswer {
  return { status, error: formatProblem(problem), problems: [problem] };
}
