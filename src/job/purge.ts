/** What a purge has found of an agent, and removed unless it was told to look only. */
export interface PurgeReport {
  /** Jobs without a result: they have one now, `cancelled`. */
  readonly cancelled: number;
  /** Results that had texts or messages, those of cancelled jobs included. */
  readonly results: number;
  /** Jobs in lanes, with what was asked and written: waiting ones, and finished ones that are kept for Bull Board. */
  readonly queued: number;
  /** Jobs that waited for a batch. */
  readonly batchRows: number;
  /** Usage rows that had a message, which may quote a text; the rows stay. */
  readonly messages: number;
  /** Snapshots of the agent: its prompts and persona. */
  readonly snapshots: number;
  /** Texts that might have been given again. */
  readonly cached: number;
  /** What its texts were compared by. */
  readonly fingerprints: number;
  /** It has posted by itself, and does no longer. */
  readonly schedules: number;
  /** Calls and rows of batches that have not ended: what becomes of them is not purged. Purge again. */
  readonly underWay: number;
}

export type PurgeCounts = { -readonly [Name in keyof PurgeReport]: number };

export interface PurgeOptions {
  /** Only says what would be removed. Default: false. */
  readonly dryRun?: boolean;
  /** How long calls that were cancelled are waited for; default 15,000. */
  readonly waitMs?: number;
  /** Told now and then: which step it is at, and what was found so far. */
  readonly onProgress?: (step: string, found: PurgeReport) => void;
}
