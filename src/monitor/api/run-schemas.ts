import { z } from "zod";
import type { BulkRun } from "../../job/bulk-run.ts";
import { ID } from "../../job/job-input.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import { epochMs, type ShapeOf } from "./common-schemas.ts";

const count = z.int().nonnegative();

export const runSchema: z.ZodType<BulkRun> = z
  .object({
    id: z.string(),
    input: z.string().nullable().describe("The input file of `puppet-engine bulk`; null for runs of this API."),
    output: z.string().nullable().describe("Its output file."),
    agent: z.string().nullable().describe("For jobs that name none."),
    total: count.nullable().describe("How many jobs it will have; null: not known."),
    state: z
      .enum(["running", "paused", "cancelled", "done"])
      .describe("`paused`: none of its jobs is called for. `cancelled`: none will be."),
    createdAt: epochMs,
    endedAt: epochMs.nullable(),
    done: z
      .object(
        Object.fromEntries(
          ["succeeded", "failed", "cancelled", "expired", "held"].map((status) => [status, count.exactOptional()]),
        ),
      )
      .describe("Jobs that have their result, by its status."),
    costMicroUsd: z.number().describe("Micro-USD of those; unknown prices are missing from it."),
    unpriced: count.describe("Results whose cost is not known."),
    isFed: z.boolean().describe("Somebody has fed it in the last seconds."),
    etaAt: epochMs.nullable().describe("When it will be done at its present rate; null: nobody can tell."),
  } satisfies ShapeOf<BulkRun>)
  .meta({ id: "Run" });

const MOST_JOBS = 1_000_000_000;
const totalError = `how many jobs, an integer from 0 to ${MOST_JOBS}`;
const agentError = "the id of an agent";

export const beginSchema = strictObject({
  total: z
    .int({ error: totalError })
    .min(0, { error: totalError })
    .max(MOST_JOBS, { error: totalError })
    .optional()
    .describe("How many jobs it will have. Without it nobody can tell when it will be done."),
  agent: z
    .string({ error: agentError })
    .regex(ID, { error: agentError })
    .optional()
    .describe("For jobs that name none."),
}).meta({ id: "Begin", examples: [{ total: 69, agent: "ada" }] });
