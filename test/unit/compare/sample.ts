import type { ComparedText } from "../../../src/compare/summarise.ts";
import type { AttemptSummary, SucceededResult, UnsuccessfulResult } from "../../../src/job/generation-result.ts";

/** Results to compare, as a worker would have recorded them. */

export const FINISHED_AT = Date.UTC(2026, 10, 26, 14, 5);

export function attempt(parts: Partial<AttemptSummary> = {}): AttemptSummary {
  return {
    ...{ attempt: 1, provider: "openai", model: "gpt-6-luna", request: "generate", outcome: "succeeded" },
    ...{ durationMs: 100, inputTokens: 40, outputTokens: 8, costMicroUsd: 10, possiblyBilled: false, message: null },
    ...parts,
  };
}

export function written(parts: Partial<SucceededResult> = {}): SucceededResult {
  return {
    ...{ status: "succeeded", id: "a", agentId: "ada", kind: "tweet", text: "Rain, at last.", provider: "openai" },
    ...{ model: "gpt-6-luna", finishReason: "stop", adjustedParams: [], costMicroUsd: 10, finishedAt: FINISHED_AT },
    usage: { inputTokens: 40, outputTokens: 8, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
    attempts: [attempt()],
    ...parts,
  };
}

export function failed(reason: string, parts: Partial<UnsuccessfulResult> = {}): UnsuccessfulResult {
  return {
    ...{ status: "failed", id: "f", agentId: "ada", kind: "tweet", costMicroUsd: 0, finishedAt: FINISHED_AT, reason },
    attempts: [attempt({ outcome: "content-filtered", costMicroUsd: 0, message: "refused" })],
    ...parts,
  };
}

export function compared(
  result: ComparedText["result"],
  score: number | null = null,
  model = "openai/gpt-6-luna",
): ComparedText {
  return { model, result, score };
}
