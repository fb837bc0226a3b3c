import type { Agent } from "../agents/agent.ts";
import { summaryOf, totalCostMicroUsd } from "../job/attempt-summary.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { CacheUse, SucceededResult, UnsuccessfulResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { Clock } from "../platform/clock.ts";
import { limitOf, wholeText, type Review } from "./review.ts";

const NO_USAGE: SucceededResult["usage"] = {
  ...{ inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
};

/** What a terminal record is made from. */
interface Finished {
  readonly job: GenerationJob;
  readonly agent: Agent;
  readonly history: readonly UsageRecord[];
  readonly deps: { readonly clock: Clock };
}

/** @param cache it was not written for this job */
export function succeededResult(
  run: Finished,
  { text, similarTo }: Omit<Review & { is: "final" }, "is">,
  cache?: CacheUse,
): SucceededResult {
  const { posts, changes, weightedLength, provider, model, finishReason, usage, adjustedParams } = text;
  const { kind } = run.job.input;
  return {
    ...{ status: "succeeded", ...base(run), text: wholeText(text) },
    ...(kind === "thread" ? { posts } : {}),
    ...{ provider, model, finishReason, adjustedParams, usage: cache === undefined ? usage : NO_USAGE },
    finishing: { changes, weightedLength, limit: limitOf(run) },
    ...(similarTo === null ? {} : { similarTo }),
    ...(cache === undefined ? {} : { cache }),
  };
}

export function heldResult(run: Finished, { text, reasons }: Review & { is: "held" }): UnsuccessfulResult {
  return { ...unsuccessfulResult(run, "held", reasons.join("; ")), text };
}

export function unsuccessfulResult(
  run: Omit<Finished, "agent">,
  status: UnsuccessfulResult["status"],
  reason: string,
): UnsuccessfulResult {
  return { status, ...base(run), reason };
}

function base({
  job,
  history,
  deps,
}: Omit<Finished, "agent">): Pick<
  SucceededResult,
  "id" | "agentId" | "kind" | "attempts" | "costMicroUsd" | "finishedAt"
> {
  return {
    id: job.id,
    agentId: job.agentId,
    kind: job.input.kind,
    attempts: history.map(summaryOf),
    costMicroUsd: totalCostMicroUsd(history),
    finishedAt: deps.clock.now(),
  };
}
