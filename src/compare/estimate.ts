import { buildMessages } from "../agents/build-prompt.ts";
import { inputBytesOf } from "../generation/input-bytes.ts";
import { payloadOf, type ParsedJobInput } from "../job/generation-job.ts";
import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { Prices } from "../models/prices.ts";
import type { ComparisonPlan, PlannedText } from "./plan.ts";

export interface EstimateParts {
  readonly prices: Pick<Prices, "upperBound">;
  readonly catalogue: Pick<ModelCatalogue, "capTokens">;
}

/** The most that the plan can cost in micro-USD when every call succeeds at once; `null`: some price is not known. */
export function upperBound(
  { jobs, texts }: Pick<ComparisonPlan, "jobs" | "texts">,
  parts: EstimateParts,
): number | null {
  return texts.reduce<number | null>((sum, text) => {
    const job = jobs[text.job];
    const most = job === undefined ? null : upperBoundOf(text, job, parts);
    return sum === null || most === null ? null : sum + most;
  }, 0);
}

/** As a worker reserves it for a first call. */
function upperBoundOf(
  { agent }: PlannedText,
  job: ParsedJobInput,
  { prices, catalogue }: EstimateParts,
): number | null {
  const [{ provider, model, parameters }] = agent.chain;
  const inputBytes = inputBytesOf(buildMessages(agent, payloadOf(job), 0));
  const maxOutputTokens = catalogue.capTokens({ provider, model, maxTokens: parameters.maxTokens, factor: 1 });
  return prices.upperBound({ provider, model, inputBytes, maxOutputTokens });
}
