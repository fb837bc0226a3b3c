import { controlKeys } from "../admission/keys.ts";
import { scoreOfThousandths } from "../job/feedback.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** Scores read per round trip, at most. */
const BATCH = 500;

/** The scores of jobs, 0–1, in the order of `jobIds`; `null`: it has none. */
export async function readFeedback(
  redis: RedisClient,
  namespace: string,
  jobIds: readonly string[],
): Promise<(number | null)[]> {
  const { job } = controlKeys(namespace);
  const scores: (number | null)[] = [];
  for (let first = 0; first < jobIds.length; first += BATCH) {
    const batch = jobIds.slice(first, first + BATCH);
    const stored = await Promise.all(batch.map((id) => redis.hget(job(id), "feedback")));
    scores.push(...stored.map((value) => (value === null ? null : scoreOfThousandths(Number(value)))));
  }
  return scores;
}
