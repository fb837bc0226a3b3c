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
export function formatProblem(problem: Problem): string {
  const { source, line, path, got, expected } = presentable(problem);
  const place = line === undefined ? source : `${source}:${line}`;
  return `${place}${path === "" ? "" : ` ${path}`}: got ${got}; expected ${expected}`;
}

/** Something that a person wrote is wrong: an agent file, a job, a setting. `message` lists every problem, one a line. */
export class InvalidInputError extends Error {
  override readonly name: string = "InvalidInputError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems.map(presentable);
  }
}

const LONGEST_PATH = 300;
const LONGEST_GOT = 300;
/** The fields of the configuration file are some 300 characters, and there are longer lists. */
const LONGEST_EXPECTED = 1500;

/**
 * The last look at what is told, whoever made it: parts of an input may be in all of it. One line that is not too long, and
 * whose every character can be seen.
 */
function presentable({ source, line, path, got, expected }: Problem): Problem {
  return {
    source: visible(source),
    ...(line === undefined ? {} : { line }),
    path: visible(cut(path, LONGEST_PATH)),
    got: visible(cut(got, LONGEST_GOT)),
    expected: visible(cut(expected, LONGEST_EXPECTED)),
  };
}

function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escapeCharacter);
}

/** Not in the middle of a surrogate pair. */
function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest).replace(/[\uD800-\uDBFF]$/, "")}…`;
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
  return cut(safe, LONGEST_SHOWN_VALUE);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
