import { z } from "zod";
import { JOB_KINDS } from "../../job/generation-job.ts";
import type {
  AttemptSummary,
  Finishing,
  GenerationResult,
  SimilarText,
  SucceededResult,
  UnsuccessfulResult,
} from "../../job/generation-result.ts";
import type { AdjustedParameter, TokenUsage } from "../../providers/provider.ts";
import { epochMs, share, type ShapeOf } from "./common-schemas.ts";

const count = z.int().nonnegative();
const costMicroUsd = z
  .number()
  .nullable()
  .describe("Micro-USD (1e-6 USD); null: the price of at least one call is not known. Never 0 for that.");

const attempt: z.ZodType<AttemptSummary> = z
  .object({
    attempt: count.describe("Counted from 1 over the whole job."),
    provider: z.string(),
    model: z.string(),
    request: z.enum(["generate", "shorten", "regenerate", "recover"]).describe("What the model was asked for."),
    outcome: z.custom<AttemptSummary["outcome"]>().meta({
      type: "string",
      description: "`succeeded`, `crashed` (its worker died), or the kind of error, such as `rate-limited`.",
    }),
    durationMs: z.number(),
    inputTokens: count,
    outputTokens: count,
    costMicroUsd,
    possiblyBilled: z
      .boolean()
      .describe("Nobody knows whether it is on the bill; its cost is the most that it can be."),
    message: z.string().nullable().describe("Why it failed, for people."),
  } satisfies ShapeOf<AttemptSummary>)
  .meta({ id: "Attempt" });

const usage: z.ZodType<Omit<TokenUsage, "raw">> = z
  .object({
    inputTokens: count.describe("Cached ones included."),
    outputTokens: count.describe("Reasoning included."),
    cachedInputTokens: count,
    cacheWriteInputTokens: count.exactOptional(),
    reasoningTokens: count,
    estimated: z.boolean().describe("The vendor did not tell; the numbers are an estimate."),
  } satisfies ShapeOf<Omit<TokenUsage, "raw">>)
  .meta({ id: "TokenUsage" });

const adjusted: z.ZodType<AdjustedParameter> = z
  .object({ parameter: z.string(), change: z.string(), why: z.string() } satisfies ShapeOf<AdjustedParameter>)
  .meta({ id: "AdjustedParameter" });

const CHANGES = [
  ...(["thoughts-removed", "characters-removed", "label-removed", "quotes-removed", "markdown-removed"] as const),
  ...(["handle-removed", "shortened", "cut"] as const),
];

const finishing: z.ZodType<Finishing> = z
  .object({
    changes: z.array(z.enum(CHANGES)).describe("What was done to the model's text, in this order."),
    weightedLength: count.describe("As X counts; of a thread its longest post."),
    limit: z.int().nullable(),
  } satisfies ShapeOf<Finishing>)
  .meta({ id: "Finishing" });

const similarText: z.ZodType<SimilarText> = z
  .object({ jobId: z.string(), similarity: share } satisfies ShapeOf<SimilarText>)
  .meta({ id: "SimilarText" });

const base = {
  id: z.string(),
  agentId: z.string(),
  kind: z.enum(JOB_KINDS),
  attempts: z.array(attempt),
  costMicroUsd,
  finishedAt: epochMs,
  purgedAt: epochMs.exactOptional().describe("When its texts and messages were removed; absent: they are all there."),
};

const succeeded: z.ZodType<SucceededResult> = z
  .object({
    status: z.literal("succeeded"),
    ...base,
    text: z.string(),
    provider: z.string(),
    model: z.string(),
    finishReason: z.enum(["stop", "length", "content-filter", "other"]),
    usage: usage.describe("Of the call that succeeded."),
    adjustedParams: z.array(adjusted).describe("Parameters that were not sent as the agent says."),
    finishing: finishing.exactOptional(),
    posts: z.array(z.string()).exactOptional().describe("Of a thread: its posts in order."),
    similarTo: similarText.exactOptional().describe("It is still like another text after all regenerations."),
    cache: z.enum(["hit", "shared", "stale"]).exactOptional().describe("Absent: it was written for this job."),
  } satisfies ShapeOf<SucceededResult>)
  .meta({ id: "SucceededResult" });

const unsuccessful: z.ZodType<UnsuccessfulResult> = z
  .object({
    status: z
      .enum(["failed", "cancelled", "expired", "held"])
      .describe("`held`: there is a text, and a check has set it aside for a person."),
    ...base,
    reason: z.string(),
    text: z.string().exactOptional().describe("With `held`: the text that was set aside."),
  } satisfies ShapeOf<UnsuccessfulResult>)
  .meta({ id: "UnsuccessfulResult" });

/** The terminal record of a job, as the library and `bulk` give it. */
export const resultSchema: z.ZodType<GenerationResult> = z
  .union([succeeded, unsuccessful])
  .meta({ id: "Result", description: "The result of a job: there is exactly one." });
