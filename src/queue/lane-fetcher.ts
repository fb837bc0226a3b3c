import { Worker } from "bullmq";

/** A worker that hears nothing on a connection that blocks looks again after this and a second, on a new one. */
export const LONGEST_BLOCK_SECONDS = 2;

/** What BullMQ's loop waits on: the jobs in work, and the next one that is being fetched. */
interface LoopQueue {
  numTotal(): number;
  add(promise: Promise<undefined>): void;
}

export class LaneFetcher extends Worker {
  /** BullMQ blocks for 10 s while jobs are delayed: as long as that a silent connection would not be noticed. */
  override get maximumBlockTimeout(): number {
    return LONGEST_BLOCK_SECONDS;
  }

  override get concurrency(): number {
    return super.concurrency;
  }

  /**
   * With as many jobs in work as it may have, BullMQ's loop waits until one of them ends, however much more it is allowed
   * meanwhile: a call of 30 s would hold up all that wait behind it. An empty entry lets the loop look again.
   */
  override set concurrency(most: number) {
    const before = super.concurrency;
    super.concurrency = most;
    const queue = Reflect.get(this, "mainLoopQueue") as LoopQueue | null | undefined;
    if (most > before && queue != null && queue.numTotal() >= before) queue.add(Promise.resolve(undefined));
  }
}
