import { showValue, type Problem } from "./problem.ts";
import { holdsSecret } from "./secrets.ts";

export type FieldPath = readonly (string | number)[];

/** A problem before it is known which file and line it stands in. */
export interface FieldFault {
  readonly path: FieldPath;
  /** Only where the path alone does not say it. */
  readonly line?: number;
  readonly got: string;
  readonly expected: string;
}

/** `llm_config.logit_bias["a b"]`, `rotating_system_prompts[2]`. Names that are not plain words are quoted and escaped. */
export function formatPath(path: FieldPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (holdsSecret(key)) return `${text}[not shown]`;
    if (!/^\w+$/.test(key)) return `${text}[${showValue(key)}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** Shows no secret: what looks like one, and objects and lists (one may be inside), are only named. */
export function describeValue(value: unknown): string {
  if (typeof value === "string" && holdsSecret(value)) return "what looks like a key (not shown)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return showValue(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of a field that is refused for what it is, nothing else is said: other checks are less exact. */
export function refusedFirst(refused: readonly FieldFault[], others: readonly FieldFault[]): FieldFault[] {
  const paths = new Set(refused.map(({ path }) => formatPath(path)));
  return [...refused, ...others.filter(({ path }) => !paths.has(formatPath(path)))];
}

/** Where faults were found. */
export interface FaultPlace {
  /** The file's name, or what else messages call the input. */
  readonly source: string;
  /** 1-based; `undefined` for input that has no lines. */
  readonly lineOf: (path: FieldPath) => number | undefined;
}

/** In the order of the file, where lines are known. */
export function toProblems(faults: readonly FieldFault[], { source, lineOf }: FaultPlace): Problem[] {
  return faults
    .map(({ path, got, expected, line = lineOf(path) }) => {
      return { source, ...(line === undefined ? {} : { line }), path: formatPath(path), got, expected };
    })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
