import { z } from "zod";
import { ID, ID_CHARACTERS } from "../../job/job-input.ts";
import type { BulkRun } from "../../job/bulk-run.ts";
import type { JobInput } from "../../job/generation-job.ts";
import { isRecord } from "../../platform/field-fault.ts";
import { InvalidInputError } from "../../platform/problem.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import type { BatchOutcome, EnqueueSummary } from "../../queue/producer.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { errorFields, type ShapeOf } from "./common-schemas.ts";
import { JOB_EXAMPLE, uncheckedJob } from "./job-schemas.ts";
import { answer, OPERATORS, writeErrors } from "./route-schemas.ts";
import { unknownRun } from "./runs.ts";

const MOST_JOBS = 10_000;
const MOST_BYTES = 8 * 1024 * 1024;

const jobsError = `a list of 1 to ${MOST_JOBS} jobs`;
const runId = z.string({ error: ID_CHARACTERS }).regex(ID, { error: ID_CHARACTERS }).describe("The bulk run.");

const bodySchema = strictObject({
  jobs: z
    .array(uncheckedJob, { error: jobsError })
    .min(1, { error: jobsError })
    .max(MOST_JOBS, { error: jobsError })
    .describe("Checked one by one. Those without `urgency` are `bulk`, but for replies."),
  run: runId.optional(),
  retryFailed: z
    .boolean({ error: "true or false" })
    .optional()
    .describe("Jobs that have failed or expired run again, under the same ids. Default: false."),
}).meta({ id: "JobBatch", examples: [{ run: "evening", jobs: [JOB_EXAMPLE] }] });

interface Refused {
  readonly index: number;
  readonly id: string | null;
  readonly status: "invalid" | "conflict";
  readonly error: string;
  readonly problems?: InvalidInputError["problems"];
}

const accepted = z
  .object({
    index: z.int().nonnegative().describe("Its place in `jobs`, from 0."),
    id: z.string(),
    status: z.enum(["enqueued", "already-enqueued", "already-finished"]),
    lane: z.string(),
  })
  .meta({ id: "AcceptedJob" });

const refused: z.ZodType<Refused> = z
  .object({
    index: z.int().nonnegative(),
    id: z.string().nullable().describe("As it was given."),
    status: z.enum(["invalid", "conflict"]).describe("`conflict`: the id belongs to a job with another content."),
    ...errorFields,
  } satisfies ShapeOf<Refused>)
  .meta({ id: "RefusedJob" });

const count = z.int().nonnegative();
const summary: z.ZodType<EnqueueSummary> = z
  .object({
    enqueued: count,
    alreadyEnqueued: count,
    alreadyFinished: count,
    refused: count,
  } satisfies ShapeOf<EnqueueSummary>)
  .meta({ id: "BatchSummary" });

type Outcome = z.output<typeof accepted> | Refused;

const outcomesSchema = z
  .object({ summary, jobs: z.array(z.union([accepted, refused])).describe("In the order of the request.") })
  .meta({ id: "BatchOutcomes" });

const schema = {
  ...OPERATORS,
  tags: ["jobs"],
  operationId: "enqueueJobs",
  summary: `Enqueue up to ${MOST_JOBS} jobs`,
  description:
    "Jobs that are refused do not hold the others up: look at each one's `status`. When the answer is lost, or is a 503, " +
    "send the same once more: jobs with an `id` are not doubled. `run` may be said in the address or in the body.",
  querystring: strictObject({ run: runId.optional() }),
  body: bodySchema,
  response: { 200: answer("What came of each.", outcomesSchema), ...writeErrors(404, 409) },
};

export function registerEnqueueJobs(scope: ApiScope, { system: { producer } }: ApiParts): void {
  scope.post("/jobs/batch", { schema, bodyLimit: MOST_BYTES }, async ({ query, body }, reply) => {
    const { jobs, retryFailed = false } = body;
    const id = runOf(query.run, body.run);
    const run = id === undefined ? null : await producer.runs.read(id);
    if (id !== undefined && run === null) return await reply.status(404).send(unknownRun(id));
    const conflict = run === null ? null : whyNotFed(run);
    if (conflict !== null) return await reply.status(409).send({ error: conflict });
    // Whoever sends jobs feeds the run: it is remembered for as long. There is no file to be anywhere in.
    if (id !== undefined) await producer.runs.beat(id, { line: 0, rows: 0 });
    const outcomes: Outcome[] = [];
    const counts = await producer.enqueueMany(
      jobs.map((job) => withAgent(job, run)),
      {
        ...(id === undefined ? {} : { run: id }),
        retryFailed,
        onOutcome: (index, outcome) => void (outcomes[index] = tell(index, outcome)),
      },
    );
    return await reply.send({ summary: counts, jobs: outcomes });
  });
}

function runOf(inAddress: string | undefined, inBody: string | undefined): string | undefined {
  if (inAddress === undefined || inBody === undefined || inAddress === inBody) return inAddress ?? inBody;
  const expected = `${inAddress}, as in the address, or only one of the two`;
  throw new InvalidInputError([{ source: "body", path: "run", got: inBody, expected }]);
}

function whyNotFed({ id, state, output }: BulkRun): string | null {
  if (output !== null)
    return `run ${id} belongs to \`puppet-engine bulk\`, which feeds it alone; begin one of your own`;
  if (state === "cancelled") return `run ${id} is cancelled; POST /api/v1/runs/${id}/resume goes on with it`;
  return state === "done" ? `run ${id} is done; PUT /api/v1/runs/${id} makes it run again` : null;
}

/** What is no object is refused by whoever checks it. */
function withAgent(job: JobInput, run: BulkRun | null): JobInput {
  if (run === null || run.agent === null || !isRecord(job) || job["agent"] !== undefined) return job;
  return { ...job, agent: run.agent };
}

function tell(index: number, outcome: BatchOutcome): Outcome {
  if (outcome.accepted) return { index, ...outcome.job };
  const { id, error } = outcome;
  if (!(error instanceof InvalidInputError)) return { index, id, status: "conflict", error: error.message };
  return { index, id, status: "invalid", error: error.message, problems: error.problems };
}
