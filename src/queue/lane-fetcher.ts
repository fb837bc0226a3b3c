import { Worker } from "bullmq";

/** A worker that hears nothing on a connection that blocks looks again after this and a second, on a new one. */
export const LONGEST_BLOCK_SECONDS = 2;

/** BullMQ blocks for 10 s while jobs are delayed: as long as that a silent connection would not be noticed. */
export class LaneFetcher extends Worker {
  override get maximumBlockTimeout(): number {
    return LONGEST_BLOCK_SECONDS;
  }
}
