import type { RequestPurpose, UsageRecord } from "../job/usage-record.ts";

/**
 * A job makes requests one after another: the text, then a shorter or another one if its draft is not good enough. What
 * failures have spent counts within one request.
 */
export function phaseOf(history: readonly UsageRecord[]): readonly UsageRecord[] {
  return history.slice(history.findLastIndex(isDraft) + 1);
}

export function purposeOf(history: readonly UsageRecord[]): RequestPurpose {
  switch (history.findLast(isDraft)?.draft) {
    case undefined:
      return "generate";
    case "too-long":
      return "shorten";
    case "duplicate":
      return "regenerate";
  }
}

/** The member that wrote the draft is asked first for a better one. */
export function authorOf(history: readonly UsageRecord[]): number {
  return history.findLast(isDraft)?.member ?? 0;
}

function isDraft(row: UsageRecord): boolean {
  return row.draft !== undefined;
}
