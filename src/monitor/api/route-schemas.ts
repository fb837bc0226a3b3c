import type { z } from "zod";
import { errorSchema } from "./common-schemas.ts";

/** What a route answers with one status. */
export function answer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}

const ERRORS = {
  400: "What was sent is wrong; `problems` has all of it.",
  401: "A token is needed, or another one.",
  403: "This token may only look, the monitor is read-only, or the request comes from another site.",
  404: "There is no such thing.",
  409: "It stands against what there is already; `error` says how.",
  413: "The body, or the job in it, is too large.",
  415: "The body is no `application/json`.",
  421: "The monitor is not reached under this host name.",
  429: "Too many requests; `Retry-After` says for how many seconds to wait.",
  500: "Something went wrong in the monitor.",
  503: "Redis is away, or too many requests wait; with `Retry-After` come back then.",
} as const;
type ErrorStatus = keyof typeof ERRORS;
type ErrorAnswers<Status extends ErrorStatus> = { [Of in Status]: ReturnType<typeof answer<typeof errorSchema>> };

const ALWAYS = [400, 401, 403, 421, 429, 500, 503] as const;
type Always = (typeof ALWAYS)[number];

/** The answers that every route may give that reads, and further ones. */
export function errors<Status extends ErrorStatus = never>(
  ...further: readonly Status[]
): ErrorAnswers<Status | Always> {
  const statuses: readonly ErrorStatus[] = [...ALWAYS, ...further];
  const answers = statuses.map((status) => [status, answer(ERRORS[status], errorSchema)]);
  return Object.fromEntries(answers) as ErrorAnswers<Status | Always>;
}

/** The same for routes that write: a body may have been sent to them. */
export function writeErrors<Status extends ErrorStatus = never>(
  ...further: readonly Status[]
): ErrorAnswers<Status | Always | 413 | 415> {
  return errors<Status | 413 | 415>(413, 415, ...further);
}

/** Whom a route is for, in the words of OpenAPI 3.1: roles of a security scheme. */
export const VIEWERS = { security: [{ token: ["viewer"] }, { token: ["operator"] }] };
export const OPERATORS = { security: [{ token: ["operator"] }] };
