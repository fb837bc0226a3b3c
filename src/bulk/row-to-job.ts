import { JOB_KINDS, parseJobInput, type JobKind, type ParsedJobInput } from "../job/generation-job.ts";
import { describeValue, isRecord } from "../platform/field-fault.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError } from "../platform/problem.ts";
import { COMMON_FIELDS, FIELDS_OF_KIND } from "./columns.ts";
import type { Row } from "./row.ts";

/** Cells of these columns may hold a JSON array; any other cell is text as it stands. */
const LIST_COLUMNS: ReadonlySet<string> = new Set(["recent_events", "conversation_history"]);
/** A table knows texts only; what is no such value stays a text, and is refused for that. */
const VALUE_COLUMNS: ReadonlyMap<string, RegExp> = new Map([
  ["cache", /^(?:true|false)$/],
  ["posts", /^[1-9]\d{0,3}$/],
]);

export interface RowDefaults {
  /** File name for problems. */
  readonly source: string;
  /** For rows without `agent`. */
  readonly agent?: string;
}

/**
 * Turns a row into a checked job. The kind is the column `kind`; without it a row with a `mention` is a reply, one with
 * `quoted` a quote, with `posts` a thread, with a `prompt` content, any other a tweet. Empty cells count as absent; columns that are no field of the kind become context. In
 * JSONL, `context` may be an object of its own.
 * @throws InvalidInputError naming file, line and column
 */
export function rowToJob(row: Row, { source, agent }: RowDefaults): ParsedJobInput {
  if (row.problem !== undefined) throw new InvalidInputError([row.problem]);
  const given = Object.entries(row.fields).filter(([, value]) => value !== "" && value !== null);
  const { context, ...fields } = toRecord(given.map(([name, value]) => [name, listOrText(name, value)]));
  const kind = kindOf(fields, row.fields, { source, line: row.line });
  const isOwn = (name: string): boolean => COMMON_FIELDS.includes(name) || FIELDS_OF_KIND[kind].includes(name);
  const own = toRecord(Object.entries(fields).filter(([name]) => isOwn(name)));
  const extra = toRecord(Object.entries(fields).filter(([name]) => !isOwn(name)));
  const job = {
    ...(agent === undefined ? {} : { agent }),
    ...own,
    kind,
    context: context === undefined ? extra : isRecord(context) ? { ...extra, ...context } : context,
  };
  return parseJobInput(job, source, row.line);
}

/** `fromEntries` makes `__proto__` a field like any other, so that it is found and refused. */
function toRecord(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

type Fields = Readonly<Record<string, unknown>>;

function kindOf(given: Fields, all: Fields, { source, line }: { source: string; line: number }): JobKind {
  const { kind } = given;
  if (kind === undefined) return impliedKind(given, all);
  const known = JOB_KINDS.find((name) => name === kind);
  if (known !== undefined) return known;
  const expected = oneOf(typeof kind === "string" ? kind : "", JOB_KINDS);
  throw new InvalidInputError([{ source, line, path: "kind", got: describeValue(kind), expected }]);
}

function impliedKind(given: Fields, all: Fields): JobKind {
  if (Object.hasOwn(given, "mention")) return "reply";
  if (Object.hasOwn(given, "quoted")) return "quote";
  if (Object.hasOwn(given, "posts")) return "thread";
  if (Object.hasOwn(given, "prompt")) return "content";
  const hasContext = Object.keys(given).some((name) => !COMMON_FIELDS.includes(name));
  if (hasContext) return "tweet";
  // With nothing else to write about, an empty prompt is a mistake rather than a tweet about nothing.
  if (Object.hasOwn(all, "mention")) return "reply";
  return Object.hasOwn(all, "prompt") ? "content" : "tweet";
}

function listOrText(name: string, value: unknown): unknown {
  if (typeof value === "string" && VALUE_COLUMNS.get(name)?.test(value) === true) return JSON.parse(value);
  if (!LIST_COLUMNS.has(name) || typeof value !== "string" || !value.trimStart().startsWith("[")) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
