import type { ParsedJobInput } from "../job/generation-job.ts";
import type { ComparisonPlan } from "./plan.ts";
import { summarise, type ComparedText, type ModelSummary } from "./summarise.ts";
import { targetName } from "./targets.ts";

/** What was compared, and how it came out. */
export interface Comparison {
  readonly name: string;
  /** Epoch ms: when the first and the last result were there. */
  readonly from: number;
  readonly to: number;
  /** In the order in which the models were named. */
  readonly models: readonly ModelSummary[];
  readonly jobs: readonly ComparedJob[];
}

export interface ComparedJob {
  readonly agentId: string;
  readonly input: ParsedJobInput;
  /** One per model, in the order of `models`. */
  readonly texts: readonly ComparedText[];
}

/** @param outcomes a result and its score for each text of the plan, in its order */
export function compareResults(
  { name, jobs, targets, texts }: ComparisonPlan,
  outcomes: readonly Omit<ComparedText, "model">[],
): Comparison {
  const names = targets.map(targetName);
  const compared = outcomes.map((outcome, index) => ({ model: names[texts[index]?.target ?? 0] ?? "", ...outcome }));
  const finishedAt = outcomes.map(({ result }) => result.finishedAt);
  return {
    name,
    from: finishedAt.reduce((earliest, at) => Math.min(earliest, at), Infinity),
    to: finishedAt.reduce((latest, at) => Math.max(latest, at), 0),
    models: names.map((model) =>
      summarise(
        model,
        compared.filter((text) => text.model === model),
      ),
    ),
    jobs: jobs.map((input, index) => {
      const own = compared.slice(index * targets.length, (index + 1) * targets.length);
      return { agentId: own[0]?.result.agentId ?? "", input, texts: own };
    }),
  };
}
