import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Problem } from "../platform/problem.ts";
import { NOT_UTF8, utf8Of } from "../platform/utf8.ts";
import { keepSecret } from "../platform/secrets.ts";

/** What `loadConfig` reads: the environment, then `.env` for what the environment does not say. */
export interface ConfigSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Epoch ms: decides which models are retired. Default: now. */
  readonly now?: number;
}

/** Reads one variable, without white space around it. An empty one counts as absent, and hides the line in `.env`. */
export interface EnvironmentReader {
  (name: string): string | undefined;
  /**
   * As above, or the content of the file that `<name>_FILE` names. White space around it stays, except for the line
   * break that every editor puts at the end of a file. From now on nothing that is logged, printed or stored shows it.
   * @param partsOf what of it is secret, where that is not the whole
   */
  secret(name: string, partsOf?: (value: string) => readonly string[]): string | undefined;
}

export function environmentReader({ environment, directory }: ConfigSource, problems: Problem[]): EnvironmentReader {
  const refuse = (path: string, got: string, expected: string): undefined =>
    void problems.push({ source: "environment", path, got, expected });
  const dotenv = readDotenv(join(directory, ".env"), problems);
  const readRaw = (name: string): string | undefined => {
    const value = environment[name] ?? dotenv[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  };
  const readSecret = (name: string): string | undefined => {
    const variable = `${name}_FILE`;
    const file = readRaw(variable)?.trim();
    const value = readRaw(name);
    if (file === undefined) return value;
    if (value !== undefined) refuse(name, `${name} and ${variable}`, "one of them");
    const bytes = readBytes(resolve(directory, file));
    if (bytes === null) return refuse(variable, "a file that cannot be read", "the path of a mounted secret");
    const content = utf8Of(bytes);
    if (content === null) return refuse(variable, `a file with ${NOT_UTF8}`, "the path of a mounted secret");
    if (content.trim() === "") return refuse(variable, "a file with nothing in it", "the path of a mounted secret");
    return content.replace(/\r?\n$/, "");
  };
  const secret: EnvironmentReader["secret"] = (name, partsOf = (value) => [value.trim()]) => {
    const value = readSecret(name);
    if (value !== undefined) keepSecret(...partsOf(value));
    return value;
  };
  return Object.assign((name: string) => readRaw(name)?.trim(), { secret });
}

function readDotenv(path: string, problems: Problem[]): Readonly<Record<string, string | undefined>> {
  if (!existsSync(path)) return {};
  const refuse = (got: string, expected: string): void =>
    void problems.push({ source: ".env", path: "", got, expected });
  const bytes = readBytes(path);
  const content = bytes === null ? null : utf8Of(bytes);
  if (bytes === null) refuse("something that cannot be read", "a file, or nothing");
  else if (content === null) refuse(NOT_UTF8, "a file saved as UTF-8");
  return parseEnv(content ?? "");
}

/** `null`: there is no readable file. */
function readBytes(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
