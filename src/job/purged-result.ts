import type { GenerationResult } from "./generation-result.ts";

/** Takes the place of what a result has told. */
const PURGED_REASON = "its texts were purged";

/** A result without anything that was written or said; status, cost and attempts stay. @param purgedAt epoch ms */
export function purgedResult(result: GenerationResult, purgedAt: number): GenerationResult {
  const attempts = result.attempts.map((attempt) => ({ ...attempt, message: null }));
  if (result.status === "succeeded") {
    const { posts: _posts, ...rest } = result;
    return { ...rest, attempts, text: "", purgedAt };
  }
  const { text: _text, ...rest } = result;
  return { ...rest, attempts, reason: PURGED_REASON, purgedAt };
}
