import type { JobKind } from "../job/generation-job.ts";

/** Columns, or fields of a JSONL row, that every kind of job has. */
export const COMMON_FIELDS: readonly string[] = ["id", "kind", "agent", "urgency", "deadline", "delivery", "cache"];

/** Further fields of the job itself, by kind. Every other column becomes context. */
export const FIELDS_OF_KIND: Readonly<Record<JobKind, readonly string[]>> = {
  tweet: [],
  reply: ["mention", "conversation_history"],
  quote: ["quoted", "author"],
  thread: ["posts"],
  content: ["prompt"],
};

/** Context that the source's own jobs have; others are as good. */
const USUAL_CONTEXT = ["topic", "mood", "recent_events", "audience", "style"];

/** What a CSV header is checked by. Other columns are as good. */
export interface Columns {
  /** It has at least one of them; a first line without any is a row of data, or separated by something else. */
  readonly known: readonly string[];
  /** It has all of these. */
  readonly required: readonly string[];
}

export const JOB_COLUMNS: Columns = {
  known: [...COMMON_FIELDS, ...Object.values(FIELDS_OF_KIND).flat(), ...USUAL_CONTEXT],
  required: [],
};

export const SCORE_COLUMNS: Columns = { known: ["id", "score"], required: ["id", "score"] };
