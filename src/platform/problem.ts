import { scrub } from "./secrets.ts";

/**
 * One thing that is wrong with what a person wrote. Problems are collected and reported together; none ever holds a
 * secret's value.
 */
export interface Problem {
  /** File name as the user gave it, or where else the value came from (`environment`, `job`). */
  readonly source: string;
  /** 1-based physical line in `source`, when there is one. */
  readonly line?: number;
  /** Path of the field, e.g. `llm_config.temperature`; empty for the whole. */
  readonly path: string;
  readonly got: string;
  readonly expected: string;
}

/** `file:line path: got X; expected Y` */
export function formatProblem({ source, line, path, got, expected }: Problem): string {
  const place = line === undefined ? source : `${source}:${line}`;
  return `${place}${path === "" ? "" : ` ${path}`}: got ${got}; expected ${expected}`;
}

/** Something that a person wrote is wrong: an agent file, a job, a setting. `message` lists every problem, one a line. */
export class InvalidInputError extends Error {
  override readonly name: string = "InvalidInputError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

const LONGEST_SHOWN_VALUE = 60;

/**
 * How a wrong value is shown in a problem: JSON on one line, cut, control and bidi characters escaped, what looks like a
 * secret left out.
 */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  // Before it is cut: half a key is not recognised.
  const json = scrub(JSON.stringify(value) ?? `a ${typeof value}`);
  const safe = json.replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeCharacter);
  if (safe.length <= LONGEST_SHOWN_VALUE) return safe;
  // Not in the middle of a surrogate pair.
  return `${safe.slice(0, LONGEST_SHOWN_VALUE).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
