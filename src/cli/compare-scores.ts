import type { Workplace } from "./workplace.ts";

/**
 * The feedback on texts: a score from 0 (bad) to 1 (good) for each id, `null` where none was given. Nobody records
 * feedback yet; whoever does has its reader called here, and the columns for it appear.
 */
export async function readScores(_workplace: Workplace, ids: readonly string[]): Promise<readonly (number | null)[]> {
  return await Promise.resolve(ids.map(() => null));
}
