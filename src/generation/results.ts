import { summaryOf, totalCostMicroUsd } from "../job/attempt-summary.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { SucceededResult, UnsuccessfulResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { Clock } from "../platform/clock.ts";
import type { GenerateResponse } from "../providers/provider.ts";

/** What a terminal record is made from. */
interface Finished {
  readonly job: GenerationJob;
  readonly history: readonly UsageRecord[];
  readonly deps: { readonly clock: Clock };
}

export function succeededResult(run: Finished, row: UsageRecord, response: GenerateResponse): SucceededResult {
  const { text, finishReason, adjustedParams } = response;
  const { raw: _raw, ...usage } = response.usage;
  const { provider, model } = row;
  return { status: "succeeded", ...base(run), text, provider, model, finishReason, usage, adjustedParams };
}

export function unsuccessfulResult(
  run: Finished,
  status: UnsuccessfulResult["status"],
  reason: string,
): UnsuccessfulResult {
  return { status, ...base(run), reason };
}

function base({
  job,
  history,
  deps,
}: Finished): Pick<SucceededResult, "id" | "agentId" | "kind" | "attempts" | "costMicroUsd" | "finishedAt"> {
  return {
    id: job.id,
    agentId: job.agentId,
    kind: job.input.kind,
    attempts: history.map(summaryOf),
    costMicroUsd: totalCostMicroUsd(history),
    finishedAt: deps.clock.now(),
  };
}
