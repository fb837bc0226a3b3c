import { z } from "zod";
import { JOB_KINDS, type JobInput, type JobKind } from "../../job/generation-job.ts";
import { jobInputSchema } from "../../job/job-input.ts";
import type { EnqueuedJob } from "../../queue/enqueue-batch.ts";
import { OPEN_STATUSES, type JobReport } from "../../queue/job-status.ts";
import { epochMs, share, type ShapeOf } from "./common-schemas.ts";
import { resultSchema } from "./result-schemas.ts";

export const JOB_EXAMPLE = { kind: "tweet", agent: "ada", id: "rain-1", context: { topic: "the smell of rain" } };
const OTHER_EXAMPLES = [
  { kind: "reply", agent: "nori", mention: "Is it raining where you are?", conversation_history: ["Hello!"] },
  { kind: "content", prompt: "A name for a cat that is afraid of rain." },
];

/** The document calls what is sent `<id>Input`. */
const idOf = (kind: JobKind): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Job`;
const componentOf = (id: string): string => `#/components/schemas/${id}Input`;

for (const option of jobInputSchema.options) z.globalRegistry.add(option, { id: idOf(option.shape.kind.value) });
z.globalRegistry.add(jobInputSchema, {
  id: "Job",
  description: "A text to write. `kind` says which fields it has.",
  discriminator: {
    propertyName: "kind",
    mapping: Object.fromEntries(JOB_KINDS.map((kind) => [kind, componentOf(idOf(kind))])),
  },
  examples: [JOB_EXAMPLE, ...OTHER_EXAMPLES],
});

/** Passed on as it is: the producer checks it, and says everything that is wrong with it. */
export const uncheckedJob = z.custom<JobInput>().meta({ $ref: componentOf("Job") });

const lane = z.string().describe("The queue that it is in: that of its agent's chain of models.");

const enqueued = {
  id: z.string(),
  lane,
  status: z
    .enum(["enqueued", "already-enqueued", "already-finished"])
    .describe("`already-…`: the same job was accepted before, and nothing runs twice."),
} satisfies ShapeOf<EnqueuedJob>;

export const enqueuedSchema = z
  .object({
    ...enqueued,
    result: resultSchema
      .nullable()
      .exactOptional()
      .describe("With `waitSeconds` alone; null: it did not come in that time."),
  })
  .meta({ id: "EnqueuedJob" });

const STATUSES = [...OPEN_STATUSES, "succeeded", "failed", "cancelled", "expired", "held"] as const;

export const jobReportSchema: z.ZodType<JobReport> = z
  .object({
    id: z.string(),
    status: z
      .enum(STATUSES)
      .describe("`delayed`: for a retry, a slot in a limit, or something paused. `cancelling`: its worker was told."),
    kind: z.enum(JOB_KINDS),
    agentId: z.string(),
    lane,
    run: z.string().nullable().describe("The bulk run that it belongs to."),
    enqueuedAt: epochMs.nullable(),
    calls: z.int().nonnegative().describe("Provider calls so far."),
    score: share.nullable().describe("How good its text was, 0–1."),
    result: resultSchema.nullable(),
  } satisfies ShapeOf<JobReport>)
  .meta({ id: "JobReport" });
