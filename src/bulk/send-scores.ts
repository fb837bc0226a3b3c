import type { FeedbackReply, ScoredJob } from "../job/feedback.ts";
import type { Producer } from "../queue/producer.ts";
import { readScores } from "./read-scores.ts";

export interface SendScoresOptions {
  /** A file that `checkScores` has looked at. */
  readonly path: string;
  readonly producer: Pick<Producer, "feedback">;
  /** Ends it after the scores under way. */
  readonly signal: AbortSignal;
  /** Called for every score that was not stored, in the order of the file. */
  readonly onNotStored: (row: ScoredRow, reply: Exclude<FeedbackReply, "stored">) => void;
}

export interface ScoredRow extends ScoredJob {
  readonly line: number;
}

export type ReplyCounts = Readonly<Record<FeedbackReply, number>>;

/** Scores on their way at once. Each reads its job's result: more would need more memory. */
const BATCH = 200;

/** Stores the scores of a file in its order, so that the last of several for one job counts. */
export async function sendScores(options: SendScoresOptions): Promise<ReplyCounts> {
  const counts = { stored: 0, unknown: 0, unfinished: 0, "no-text": 0 };
  for await (const batch of batchesOf(options.path)) {
    if (options.signal.aborted) break;
    const replies = await Promise.all(batch.map(({ id, score }) => options.producer.feedback(id, score)));
    replies.forEach((reply, index) => {
      counts[reply]++;
      const row = batch[index];
      if (reply !== "stored" && row !== undefined) options.onNotStored(row, reply);
    });
  }
  return counts;
}

/** No batch has a job twice: what is on its way together may arrive in any order. */
async function* batchesOf(path: string): AsyncGenerator<readonly ScoredRow[]> {
  let batch = new Map<string, ScoredRow>();
  for await (const read of readScores(path)) {
    if (read.is !== "score") continue;
    const row = { ...read.scored, line: read.line };
    if (batch.size >= BATCH || batch.has(row.id)) {
      yield [...batch.values()];
      batch = new Map();
    }
    batch.set(row.id, row);
  }
  if (batch.size > 0) yield [...batch.values()];
}
