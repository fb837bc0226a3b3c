import { parseArgs } from "node:util";

/** One entry of `npm run bench -- --help`. */
export interface Benchmark {
  readonly summary: string;
  readonly options: Readonly<Record<string, BenchOption>>;
  run(values: OptionValues): Promise<void>;
}

export interface BenchOption {
  readonly describe: string;
  /** A number is a count, from 1. */
  readonly default: number | string;
}

export interface OptionValues {
  count(name: string): number;
  text(name: string): string;
}

/** An option that nobody knows or understands. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Those whose names begin with the value of an option; all when it is empty.
 * @throws UsageError when there are none
 */
export function choose<Item extends { readonly name: string }>(
  items: readonly Item[],
  option: string,
  values: OptionValues,
): readonly Item[] {
  const beginning = values.text(option);
  const chosen = items.filter(({ name }) => name.startsWith(beginning));
  if (chosen.length > 0) return chosen;
  const names = items.map(({ name }) => name).join(", ");
  throw new UsageError(`--${option}: got ${beginning}; expected the beginning of one of ${names}`);
}

/** @throws UsageError */
export function parseOptions({ options }: Benchmark, args: readonly string[]): OptionValues {
  const given = parseGiven(options, args);
  const text = (name: string): string => given[name] ?? String(options[name]?.default);
  for (const [name, option] of Object.entries(options)) {
    if (typeof option.default === "number" && !/^[1-9]\d{0,8}$/.test(text(name)))
      throw new UsageError(`--${name}: got ${text(name)}; expected a count, from 1`);
  }
  return { text, count: (name) => Number(text(name)) };
}

function parseGiven(options: Benchmark["options"], args: readonly string[]): Record<string, string | undefined> {
  const known = Object.fromEntries(Object.keys(options).map((name) => [name, { type: "string" as const }]));
  try {
    return parseArgs({ args: [...args], options: known }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function helpText(benchmarks: Readonly<Record<string, Benchmark>>): string {
  const lines = Object.entries(benchmarks).flatMap(([name, { summary, options }]) => [
    "",
    `${name}: ${summary}`,
    ...Object.entries(options).map(([option, { describe, default: value }]) => {
      const shown = value === "" ? "" : ` (default ${value})`;
      return `  ${`--${option}`.padEnd(14)} ${describe}${shown}`;
    }),
  ]);
  return ["npm run bench -- [name] [options]", ...lines].join("\n");
}
