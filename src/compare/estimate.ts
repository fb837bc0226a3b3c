import { buildMessages } from "../agents/build-prompt.ts";
import { payloadOf, type ParsedJobInput } from "../job/generation-job.ts";
import type { Prices } from "../models/prices.ts";
import type { ComparisonPlan, PlannedText } from "./plan.ts";

/** The most that the plan can cost in micro-USD when every call succeeds at once; `null`: some price is not known. */
export function upperBound({ jobs, texts }: ComparisonPlan, prices: Prices): number | null {
  return texts.reduce<number | null>((sum, text) => {
    const job = jobs[text.job];
    const most = job === undefined ? null : upperBoundOf(text, job, prices);
    return sum === null || most === null ? null : sum + most;
  }, 0);
}

function upperBoundOf({ agent }: PlannedText, job: ParsedJobInput, prices: Prices): number | null {
  const [{ provider, model, parameters }] = agent.chain;
  const messages = buildMessages(agent, payloadOf(job), 0);
  const inputBytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return prices.upperBound({ provider, model, inputBytes, maxOutputTokens: parameters.maxTokens });
}
