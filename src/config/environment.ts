import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Problem } from "../platform/problem.ts";

/** What `loadConfig` reads: the environment, then `.env` for what the environment does not say. */
export interface ConfigSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
}

/** Reads one variable; empty counts as absent. */
export interface EnvironmentReader {
  (name: string): string | undefined;
  /** As above, or the trimmed content of the file that `<name>_FILE` names. */
  secret(name: string): string | undefined;
}

export function environmentReader({ environment, directory }: ConfigSource, problems: Problem[]): EnvironmentReader {
  const dotenv = readDotenv(directory);
  const read = (name: string): string | undefined => {
    const value = environment[name] ?? dotenv[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  };
  const secret = (name: string): string | undefined => {
    const file = read(`${name}_FILE`);
    if (file === undefined) return read(name);
    if (read(name) !== undefined)
      problems.push({ source: "environment", path: name, got: `${name} and ${name}_FILE`, expected: "one of them" });
    try {
      return readFileSync(resolve(directory, file), "utf8").replace(/\r?\n$/, "");
    } catch {
      problems.push({
        source: "environment",
        path: `${name}_FILE`,
        got: "a file that cannot be read",
        expected: "the path of a mounted secret",
      });
      return undefined;
    }
  };
  return Object.assign(read, { secret });
}

function readDotenv(directory: string): Readonly<Record<string, string | undefined>> {
  const path = join(directory, ".env");
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}
