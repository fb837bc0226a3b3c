import { JOB_KINDS, parseJobInput, type JobInput, type JobKind } from "../job/generation-job.ts";
import { InvalidInputError } from "../platform/problem.ts";
import type { Row } from "./read-rows.ts";

/** Fields of a row that are not context, by kind; `context` itself may be given as an object in JSONL. */
const COMMON_FIELDS = ["id", "kind", "agent", "urgency"] as const;
const FIELDS_OF_KIND: Readonly<Record<JobKind, readonly string[]>> = {
  tweet: [],
  reply: ["mention", "conversation_history"],
  content: ["prompt"],
};
/** Cells of these columns may hold a JSON array; any other cell is text as it stands. */
const LIST_COLUMNS: ReadonlySet<string> = new Set(["recent_events", "conversation_history"]);

export interface RowDefaults {
  /** File name for problems. */
  readonly source: string;
  /** For rows without `agent`. */
  readonly agent?: string;
}

/**
 * Turns a row into a checked job. The kind is the column `kind`; without it a row with a `mention` is a reply, one with a
 * `prompt` content, any other a tweet. Empty cells count as absent; columns that are no field of the kind become context.
 * @throws InvalidInputError naming file, line and column
 */
export function rowToJob(row: Row, { source, agent }: RowDefaults): JobInput {
  if (row.problem !== undefined) throw new InvalidInputError([row.problem]);
  const { context, ...fields } = present(row.fields);
  const kind = kindOf(fields, source, row.line);
  const own = new Set([...COMMON_FIELDS, ...FIELDS_OF_KIND[kind]]);
  const job: Record<string, unknown> = { kind, ...(agent === undefined ? {} : { agent }) };
  const extra: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    (own.has(name) ? job : extra)[name] = LIST_COLUMNS.has(name) ? listOrText(value) : value;
  }
  job["kind"] = kind;
  job["context"] = context === undefined ? extra : typeof context === "object" ? { ...extra, ...context } : context;
  return parseJobInput(job, source, row.line);
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined),
  );
}

function kindOf(fields: Readonly<Record<string, unknown>>, source: string, line: number): JobKind {
  const { kind } = fields;
  if (kind === undefined) return "mention" in fields ? "reply" : "prompt" in fields ? "content" : "tweet";
  const known = JOB_KINDS.find((name) => name === kind);
  if (known !== undefined) return known;
  throw new InvalidInputError([
    { source, line, path: "kind", got: JSON.stringify(kind), expected: `one of ${JOB_KINDS.join(", ")}` },
  ]);
}

function listOrText(value: unknown): unknown {
  if (typeof value !== "string" || !value.trimStart().startsWith("[")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
