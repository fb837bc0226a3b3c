import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { LOG_LEVELS, type LogLevel } from "../platform/logger.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import type { RedisAddress } from "../platform/redis.ts";
import { parseJsonDocument } from "../platform/json-document.ts";
import { toProblems } from "../platform/field-fault.ts";
import { DEFAULT_CONFIG, configFileSchema, type ConfigFile } from "./config-file.ts";
import { readProviderSettings, type ConfiguredProviders } from "./provider-settings.ts";
import { zodFaults } from "../platform/zod-faults.ts";

/** Everything that a process of this project is told from outside, checked. */
export interface Config {
  /** `null`: no REDIS_URL; a Redis of our own is started. */
  readonly redis: RedisAddress | null;
  /** Where our own Redis keeps its data. */
  readonly dataDirectory: string;
  readonly namespace: string;
  readonly agentsDirectory: string;
  /** Nobody said where the agents are: the shipped examples are used. */
  readonly usesExampleAgents: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "json" | "pretty";
  /** Jobs in work per worker process. */
  readonly concurrency: number;
  readonly providers: ConfiguredProviders;
  readonly file: ConfigFile;
  /** What a person should know although nothing is wrong, e.g. a key that was trimmed. */
  readonly notes: readonly string[];
}

/** What `loadConfig` reads: the environment, then `.env` for what the environment does not say. */
export interface ConfigSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
}

/** The only reader of `process.env`. */
export function processSource(): ConfigSource {
  return { environment: process.env, directory: process.cwd(), isTerminal: process.stderr.isTTY === true };
}

const DEFAULT_CONCURRENCY = 64;
const MAX_CONCURRENCY = 10_000;
const EXAMPLE_AGENTS = fileURLToPath(new URL("../../examples/agents", import.meta.url));

/** @throws InvalidInputError with every problem of all sources */
export function loadConfig(source: ConfigSource = processSource()): Config {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const read = environmentReader(source, problems);
  const file = readConfigFile(read("PUPPET_ENGINE_CONFIG"), source.directory, problems);
  const agentsDirectory = agentsDirectoryOf(read("AGENTS_DIR"), source.directory);
  const config: Config = {
    redis: redisAddress(read.secret("REDIS_URL"), problems),
    dataDirectory: resolve(source.directory, read("PUPPET_ENGINE_DATA") ?? ".puppet-engine"),
    namespace: matching(read("PUPPET_ENGINE_NAMESPACE"), "PUPPET_ENGINE_NAMESPACE", problems) ?? "puppet",
    agentsDirectory,
    usesExampleAgents: agentsDirectory === EXAMPLE_AGENTS,
    logLevel: oneOf(read("LOG_LEVEL")?.toLowerCase(), { name: "LOG_LEVEL", known: LOG_LEVELS, problems }) ?? "info",
    logFormat:
      oneOf(read("LOG_FORMAT"), { name: "LOG_FORMAT", known: ["json", "pretty"], problems }) ??
      (source.isTerminal ? "pretty" : "json"),
    concurrency: integer(read("WORKER_CONCURRENCY"), "WORKER_CONCURRENCY", problems) ?? DEFAULT_CONCURRENCY,
    providers: readProviderSettings(read, file, { problems, notes }),
    file,
    notes,
  };
  if (problems.length > 0) throw new InvalidInputError(problems);
  return config;
}

/** Reads one variable; empty counts as absent. */
export interface EnvironmentReader {
  (name: string): string | undefined;
  /** As above, or the trimmed content of the file that `<name>_FILE` names. */
  secret(name: string): string | undefined;
}

function environmentReader({ environment, directory }: ConfigSource, problems: Problem[]): EnvironmentReader {
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

function redisAddress(url: string | undefined, problems: Problem[]): RedisAddress | null {
  if (url === undefined) return null;
  const problem = {
    source: "environment",
    path: "REDIS_URL",
    expected: "redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH",
  };
  if (url.startsWith("unix://")) return { path: url.slice("unix://".length) };
  try {
    const { protocol, hostname } = new URL(url);
    if ((protocol === "redis:" || protocol === "rediss:") && hostname !== "") return { url };
    problems.push({ ...problem, got: `a URL that starts with ${protocol}//` });
  } catch {
    // Not shown: it may hold a password.
    problems.push({ ...problem, got: "something that is no URL" });
  }
  return null;
}

/** Without AGENTS_DIR: `agents` where the program runs, else the examples, so that a first try works. */
function agentsDirectoryOf(given: string | undefined, directory: string): string {
  if (given !== undefined) return resolve(directory, given);
  const own = join(directory, "agents");
  return existsSync(own) ? own : EXAMPLE_AGENTS;
}

function matching(value: string | undefined, name: string, problems: Problem[]): string | undefined {
  if (value === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(value)) return value;
  problems.push({
    source: "environment",
    path: name,
    got: showValue(value),
    expected: "1–64 characters of A–Z a–z 0–9 _ -",
  });
  return undefined;
}

interface Choice<T extends string> {
  readonly name: string;
  readonly known: readonly T[];
  readonly problems: Problem[];
}

function oneOf<T extends string>(value: string | undefined, { name, known, problems }: Choice<T>): T | undefined {
  const found = known.find((item) => item === value);
  if (value !== undefined && found === undefined) {
    problems.push({ source: "environment", path: name, got: showValue(value), expected: `one of ${known.join(", ")}` });
  }
  return found;
}

function integer(value: string | undefined, name: string, problems: Problem[]): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= MAX_CONCURRENCY) return number;
  problems.push({
    source: "environment",
    path: name,
    got: showValue(value),
    expected: `an integer 1–${MAX_CONCURRENCY}`,
  });
  return undefined;
}

function readConfigFile(path: string | undefined, directory: string, problems: Problem[]): ConfigFile {
  if (path === undefined) return DEFAULT_CONFIG;
  try {
    const document = parseJsonDocument(path, readFileSync(resolve(directory, path), "utf8"));
    const parsed = configFileSchema.safeParse(document.value);
    if (parsed.success) return parsed.data;
    problems.push(...toProblems(zodFaults(parsed.error, document.value), { source: path, lineOf: document.lineOf }));
  } catch (error) {
    if (error instanceof InvalidInputError) problems.push(...error.problems);
    else
      problems.push({
        source: "environment",
        path: "PUPPET_ENGINE_CONFIG",
        got: `${showValue(path)}, which cannot be read`,
        expected: "the path of a JSON file",
      });
  }
  return DEFAULT_CONFIG;
}
