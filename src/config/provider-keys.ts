import type { Problem } from "../platform/problem.ts";
import type { ProviderDefinition } from "../providers/registry.ts";
import type { EnvironmentReader } from "./environment.ts";

export interface ConfiguredKey {
  readonly key: string;
  /** Where it stands, for people: `OPENAI_API_KEY`, or `OPENAI_API_KEYS, key 2`. */
  readonly source: string;
}

/** What was found while reading, for `loadConfig`. */
export interface Findings {
  readonly problems: Problem[];
  readonly notes: string[];
}

interface SetVariable {
  readonly variable: string;
  /** Not empty. */
  readonly value: string;
}

/** Per provider: a call looks at all of them. */
const MOST_KEYS = 100;

/** The single key, then those of the pool, each once. Those with a fault are reported and left out. */
export function readKeys(
  { keyVariables, keyPoolVariables }: ProviderDefinition,
  read: EnvironmentReader,
  findings: Findings,
): readonly ConfiguredKey[] {
  const single = firstSet(keyVariables, read.secret, findings);
  const pool = firstSet(keyPoolVariables, (name) => read.secret(name, splitKeys), findings);
  const given = [
    ...(single === undefined ? [] : [singleKey(single, findings)]),
    ...(pool === undefined ? [] : poolKeys(pool, findings)),
  ];
  const keys = withoutDuplicates(given, findings);
  if (pool !== undefined && keys.length > MOST_KEYS) {
    const expected = `at most ${MOST_KEYS} keys per provider`;
    findings.problems.push({ source: "environment", path: pool.variable, got: `${keys.length} keys`, expected });
  }
  return keys.slice(0, MOST_KEYS).filter((key) => isSound(key, key.source === single?.variable, findings));
}

/** Several names of one variable: the first that is set counts. */
function firstSet(
  variables: readonly string[],
  read: (name: string) => string | undefined,
  { notes }: Findings,
): SetVariable | undefined {
  const [used, ...unused] = variables.flatMap((variable): SetVariable[] => {
    const value = read(variable);
    return value === undefined ? [] : [{ variable, value }];
  });
  for (const { variable, value } of unused) {
    if (value.trim() !== used?.value.trim()) notes.push(`${variable}: not used, because ${used?.variable} is set`);
  }
  return used;
}

function singleKey({ variable, value }: SetVariable, { notes }: Findings): ConfiguredKey {
  const key = value.trim();
  if (key !== value) notes.push(`${variable}: white space around the key was removed`);
  return { key, source: variable };
}

function splitKeys(pool: string): string[] {
  return pool
    .replace(/(?<!\S)#.*$/gm, "")
    .split(/[,; \t\r\n\f\v]+/)
    .filter(Boolean);
}

/**
 * Only white space that people type separates keys: a no-break space came along with a key from somewhere else, and is
 * reported. A comment starts at a `#` in front of which there is nothing, or white space.
 */
function poolKeys({ variable, value }: SetVariable, { problems }: Findings): ConfiguredKey[] {
  const keys = splitKeys(value);
  if (keys.length === 0) {
    const expected = "keys, separated by commas, semicolons or white space, or an empty variable";
    problems.push({ source: "environment", path: variable, got: "no key in it", expected });
  }
  return keys.map((key, index) => ({ key, source: `${variable}, key ${index + 1}` }));
}

function withoutDuplicates(given: readonly ConfiguredKey[], { notes }: Findings): ConfiguredKey[] {
  const first = new Map<string, ConfiguredKey>();
  for (const configured of given) {
    const earlier = first.get(configured.key);
    if (earlier === undefined) first.set(configured.key, configured);
    else notes.push(`${configured.source}: dropped, because it is the same as ${earlier.source}`);
  }
  return [...first.values()];
}

function isSound({ key, source }: ConfiguredKey, isAlone: boolean, { problems }: Findings): boolean {
  const got = faultOfSecret(key);
  if (got === null) return true;
  const expected = `the key alone, as the vendor shows it${isAlone ? ", or an empty variable" : ""}`;
  problems.push({ source: "environment", path: source, got, expected });
  return false;
}

/** What templates and documentation have where a key belongs. */
const PLACEHOLDER = /^(?:(?:sk|xai)-)?(?:your[_-].*|<.*>|\.{3,}|\*{3,}|x{3,}|(?:change|replace)[_-]?me|todo)$/i;

/** Of something that vendors hand out: a key, an id. The value itself is never shown. */
export function faultOfSecret(value: string): string | null {
  if (PLACEHOLDER.test(value)) return "the placeholder of a template";
  if (/\s/.test(value)) return "white space inside";
  return /^[\x21-\x7e]+$/.test(value) ? null : "characters that are not printable ASCII";
}
