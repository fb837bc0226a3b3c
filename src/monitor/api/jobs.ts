import { z } from "zod";
import type { JobInput } from "../../job/generation-job.ts";
import { ID, ID_CHARACTERS } from "../../job/job-input.ts";
import { scoreOfThousandths, thousandthsOf } from "../../job/feedback.ts";
import { isRecord } from "../../platform/field-fault.ts";
import { readJobStatus, OPEN_STATUSES } from "../../queue/job-status.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import { API_PATH, type ApiParts, type ApiScope } from "./api-scope.ts";
import { idParams, share, waitSeconds } from "./common-schemas.ts";
import { enqueuedSchema, jobReportSchema, uncheckedJob } from "./job-schemas.ts";
import { resultSchema } from "./result-schemas.ts";
import { answer, errors, OPERATORS, VIEWERS, writeErrors } from "./route-schemas.ts";

const TAGS = ["jobs"];

const keyError = `${ID_CHARACTERS}, with or without quotation marks`;
const idempotencyKey = z
  .string({ error: keyError })
  .refine((key) => ID.test(unquoted(key)), { error: keyError })
  .describe("The job's id, if the body has none.");

/** The header's draft standard has it in quotation marks. */
function unquoted(key: string): string {
  return key.replace(/^"(.*)"$/, "$1");
}

const wait = strictObject({ waitSeconds: waitSeconds.optional() });

const range = "a number from 0 (bad) to 1 (good)";
const scoreSchema = strictObject({
  score: z.number({ error: range }).min(0, { error: range }).max(1, { error: range }).describe(`${range}.`),
}).meta({ id: "Score", examples: [{ score: 0.8 }] });
const storedSchema = z
  .object({ id: z.string(), score: share.describe("Kept to the thousandth.") })
  .meta({ id: "StoredScore" });

export function registerJobs(scope: ApiScope, parts: ApiParts): void {
  registerEnqueue(scope, parts);
  registerReading(scope, parts);
  registerChanges(scope, parts);
}

function registerEnqueue(scope: ApiScope, { system, waits }: ApiParts): void {
  const schema = {
    ...OPERATORS,
    tags: TAGS,
    operationId: "enqueueJob",
    summary: "Enqueue a job",
    description:
      "With an `id` it may be sent as often as you like: the same content is the same job, other content a conflict (409). " +
      "With `waitSeconds` the answer has the result, if it comes in that time.",
    querystring: wait,
    headers: z.object({ "idempotency-key": idempotencyKey.optional() }),
    body: uncheckedJob,
    response: {
      200: answer("It was accepted before; nothing runs twice.", enqueuedSchema),
      201: answer("It is new.", enqueuedSchema),
      ...writeErrors(409),
    },
  };
  scope.post("/jobs", { schema }, async (request, reply) => {
    const { waitSeconds: seconds } = request.query;
    // Before the job is accepted: who may not wait must not have it either.
    using waiting = seconds === undefined ? null : waits.enter(reply);
    const job = await system.producer.enqueue(withKey(request.body, request.headers["idempotency-key"]));
    const isNew = job.status === "enqueued";
    void reply.status(isNew ? 201 : 200).header("location", `${API_PATH}/jobs/${job.id}`);
    if (seconds === undefined || waiting === null) return await reply.send(job);
    const limits = { waitMs: seconds * 1000, signal: waiting.signal };
    return await reply.send({ ...job, result: await system.producer.result(job.id, limits) });
  });
}

/** What is no object is refused by whoever checks it. */
function withKey(body: JobInput, key: string | undefined): JobInput {
  const isWithout = isRecord(body) && (body["id"] === undefined || body["id"] === null);
  return key === undefined || !isWithout ? body : { ...body, id: unquoted(key) };
}

function unknownJob(id: string): { error: string } {
  return { error: `there is no job ${id}: it was never enqueued, or is no longer kept` };
}

const openJobSchema = z
  .object({ id: z.string(), status: z.enum([...OPEN_STATUSES]) })
  .meta({ id: "OpenJob", description: "A job without a result." });

function registerReading(scope: ApiScope, { system, waits }: ApiParts): void {
  const about = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "readJob",
    summary: "What is known of a job",
    description: "Where it is, and its result when it has one. Its content is not told.",
    params: idParams,
    response: { 200: answer("The job.", jobReportSchema), ...errors(404) },
  };
  scope.get("/jobs/:id", { schema: about }, async ({ params: { id } }, reply) => {
    const job = await readJobStatus(id, system);
    return job === null ? await reply.status(404).send(unknownJob(id)) : await reply.send(job);
  });
  const ofResult = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "readResult",
    summary: "The result of a job",
    description:
      "With `waitSeconds` it is waited for. An id that nobody has enqueued yet is waited for as well, and is unknown (404) " +
      "only in the end.",
    params: idParams,
    querystring: wait,
    response: {
      200: answer("The result.", resultSchema),
      202: answer("There is none yet.", openJobSchema),
      ...errors(404),
    },
  };
  scope.get("/jobs/:id/result", { schema: ofResult }, async ({ params: { id }, query }, reply) => {
    const { waitSeconds: seconds = 0 } = query;
    using waiting = seconds === 0 ? null : waits.enter(reply);
    const limits = waiting === null ? {} : { waitMs: seconds * 1000, signal: waiting.signal };
    const result = await system.producer.result(id, limits);
    if (result !== null) return await reply.send(result);
    const job = await readJobStatus(id, system);
    if (job === null) return await reply.status(404).send(unknownJob(id));
    // It may have come just now.
    if (job.result !== null) return await reply.send(job.result);
    return await reply.status(202).send({ id, status: openStatusOf(job.status) });
  });
}

function openStatusOf(status: string): (typeof OPEN_STATUSES)[number] {
  return OPEN_STATUSES.find((known) => known === status) ?? "waiting";
}

const outcomeOfCancel = z
  .enum(["cancelled", "cancelling", "settled"])
  .describe("`cancelling`: a worker is at it and was told to stop. `settled`: it had its result already.");

function registerChanges(scope: ApiScope, { system }: ApiParts): void {
  const cancel = {
    ...OPERATORS,
    tags: TAGS,
    operationId: "cancelJob",
    summary: "Cancel a job",
    description: "Even in mid-call. What it has cost so far stays on the books.",
    params: idParams,
    response: {
      200: answer(
        "What came of it.",
        z.object({ id: z.string(), outcome: outcomeOfCancel }).meta({ id: "Cancelling" }),
      ),
      ...writeErrors(404),
    },
  };
  scope.delete("/jobs/:id", { schema: cancel }, async ({ params: { id } }, reply) => {
    const outcome = await system.producer.cancel(id);
    // Calls are not spared: a job that is called for is cancelled as well.
    if (outcome === "unknown" || outcome === "calling") return await reply.status(404).send(unknownJob(id));
    return await reply.send({ id, outcome });
  });
  const feedback = {
    ...OPERATORS,
    tags: TAGS,
    operationId: "scoreJob",
    summary: "Say how good a text was",
    description: "A job has one score: a second one takes the place of the first, in all means as well.",
    params: idParams,
    body: scoreSchema,
    response: { 200: answer("It is the job's score now.", storedSchema), ...writeErrors(404, 409) },
  };
  scope.put("/jobs/:id/feedback", { schema: feedback }, async ({ params: { id }, body: { score } }, reply) => {
    switch (await system.producer.feedback(id, score)) {
      case "stored":
        return await reply.send({ id, score: scoreOfThousandths(thousandthsOf(score)) });
      case "unknown":
        return await reply.status(404).send(unknownJob(id));
      case "unfinished":
        return await reply.status(409).send({ error: `job ${id} has no result yet` });
      case "no-text":
        return await reply.status(409).send({ error: `job ${id} ended without a text: there is nothing to score` });
    }
  });
}
