import { connectRedis, withRedis } from "../platform/redis.ts";
import { readFeedback } from "../storage/feedback-reader.ts";
import type { Workplace } from "./workplace.ts";

/**
 * The feedback on texts: a score from 0 (bad) to 1 (good) for each id, `null` where none was given.
 * @throws RedisUnavailableError
 */
export async function readScores(
  { config, redis }: Workplace,
  ids: readonly string[],
): Promise<readonly (number | null)[]> {
  const connection = connectRedis(redis.address, "producer");
  try {
    return await withRedis(redis.address, () => readFeedback(connection, config.namespace, ids));
  } finally {
    connection.disconnect();
  }
}
