import { outputLine, toUsd } from "../bulk/output-line.ts";
import type { ComparedJob, Comparison } from "./comparison.ts";
import { charactersOf, latencyMsOf, type ComparedText, type ModelSummary } from "./summarise.ts";

/** Everything about the comparison, for programs. Costs in USD, as in the output of bulk runs. */
export function reportJson({ name, from, to, models, jobs }: Comparison): string {
  return JSON.stringify({
    name,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    models: models.map(modelJson),
    jobs: jobs.map(jobJson),
  });
}

function modelJson(summary: ModelSummary): object {
  const { model, latenciesMs, p50Ms, p95Ms, costMicroUsd, possiblyBilledMicroUsd, costPerThousandMicroUsd } = summary;
  const { asked, written, inputTokens, outputTokens, estimated, unpriced, characters, cutOff } = summary;
  return {
    target: model,
    asked,
    written,
    latency: { samples: latenciesMs.length, p50Ms, p95Ms },
    ...{ inputTokens, outputTokens, estimated },
    ...{ costUsd: toUsd(costMicroUsd), unpriced, possiblyBilledUsd: toUsd(possiblyBilledMicroUsd) },
    costPerThousandUsd: toUsd(costPerThousandMicroUsd),
    ...{ characters, cutOff, feedback: summary.feedback, failures: summary.failures },
  };
}

function jobJson({ agentId, input, texts }: ComparedJob): object {
  return { ...input, agent: agentId, texts: texts.map(textJson) };
}

function textJson({ model, result, score }: ComparedText): object {
  const isWritten = result.status === "succeeded";
  return {
    target: model,
    latencyMs: isWritten ? latencyMsOf(result) : null,
    characters: isWritten ? charactersOf(result.text) : null,
    score,
    result: outputLine(result),
  };
}
