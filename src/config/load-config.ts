import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { LOG_LEVELS, type LogLevel } from "../platform/logger.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import type { RedisAccess, RedisAddress } from "../platform/redis.ts";
import { packageRoot } from "../platform/package-root.ts";
import { parseJsonDocument } from "../platform/json-document.ts";
import { toProblems } from "../platform/field-fault.ts";
import { decodeUtf8 } from "../platform/utf8.ts";
import { readAlertWebhook, type AlertWebhook } from "./alert-webhook.ts";
import { environmentReader, type ConfigSource, type EnvironmentReader } from "./environment.ts";
import { checkConfigFile } from "./check-config-file.ts";
import { DEFAULT_CONFIG, type ConfigFile } from "./config-file.ts";
import { readProviderSettings, type ConfiguredProviders } from "./provider-settings.ts";
import { readRedisAccess, readRedisAddress } from "./redis-address.ts";
import { findRetiredDefaults } from "./retired-defaults.ts";
import { readTracing, type TracingConfig } from "./tracing-settings.ts";

/** Everything that a process of this project is told from outside, checked. */
export interface Config {
  /** `null`: no REDIS_URL; a Redis of our own is started. */
  readonly redis: RedisAddress | null;
  /** For whoever names another Redis than REDIS_URL does. */
  readonly redisAccess: RedisAccess;
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
  readonly monitor: MonitorConfig;
  /** Where alerts are sent; `null`: they are only logged. */
  readonly alertWebhook: AlertWebhook | null;
  /** `null`: nobody wants traces. */
  readonly tracing: TracingConfig | null;
  readonly providers: ConfiguredProviders;
  readonly file: ConfigFile;
  /** What a person should know although nothing is wrong, e.g. a key that was trimmed. */
  readonly notes: readonly string[];
}

/** The only reader of `process.env`. */
function processSource(): ConfigSource {
  return { environment: process.env, directory: process.cwd(), isTerminal: process.stderr.isTTY };
}

/** Where the monitor listens, and who may look. */
export interface MonitorConfig {
  readonly host: string;
  readonly port: number;
  /** What operators and viewers enter with; without any none is asked for, which is only possible on a loopback address. */
  readonly tokens: { readonly operator: string | null; readonly viewer: string | null };
  /** Host names, besides those of the loopback address and `host`, that requests may be addressed to. */
  readonly allowedHosts: readonly string[];
}

const DEFAULT_MONITOR_PORT = 3700;
const LEAST_TOKEN = 16;
const MAX_PORT = 65_535;
const DEFAULT_CONCURRENCY = 64;
const MAX_CONCURRENCY = 10_000;
const EXAMPLE_AGENTS = join(packageRoot(), "examples", "agents");

/** @throws InvalidInputError with every problem of all sources */
export function loadConfig(source: ConfigSource = processSource()): Config {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const read = environmentReader(source, problems);
  const file = readConfigFile(read("PUPPET_ENGINE_CONFIG"), source.directory, problems);
  const agentsDirectory = agentsDirectoryOf(read("AGENTS_DIR"), source.directory);
  const redisAccess = readRedisAccess(read, problems);
  const config: Config = {
    redis: readRedisAddress(read, redisAccess, problems),
    redisAccess,
    dataDirectory: resolve(source.directory, read("PUPPET_ENGINE_DATA") ?? ".puppet-engine"),
    namespace: matching(read("PUPPET_ENGINE_NAMESPACE"), "PUPPET_ENGINE_NAMESPACE", problems) ?? "puppet",
    agentsDirectory,
    usesExampleAgents: agentsDirectory === EXAMPLE_AGENTS,
    logLevel: oneOf(read("LOG_LEVEL")?.toLowerCase(), { name: "LOG_LEVEL", known: LOG_LEVELS, problems }) ?? "info",
    logFormat:
      oneOf(read("LOG_FORMAT")?.toLowerCase(), { name: "LOG_FORMAT", known: ["json", "pretty"], problems }) ??
      (source.isTerminal ? "pretty" : "json"),
    concurrency:
      integer(read("WORKER_CONCURRENCY"), { name: "WORKER_CONCURRENCY", max: MAX_CONCURRENCY, problems }) ??
      DEFAULT_CONCURRENCY,
    monitor: monitorOf(read, problems),
    alertWebhook: readAlertWebhook(read, file, { problems, notes }),
    tracing: readTracing(read, notes),
    providers: readProviderSettings(read, file, { problems, notes }),
    file,
    notes,
  };
  problems.push(...findRetiredDefaults(config.providers, file, source.now));
  if (problems.length > 0) throw new InvalidInputError(problems);
  return config;
}

function monitorOf(read: EnvironmentReader, problems: Problem[]): MonitorConfig {
  const tokens = {
    operator: read.secret("MONITOR_TOKEN") ?? null,
    viewer: read.secret("MONITOR_VIEWER_TOKEN") ?? null,
  };
  if (tokens.viewer !== null && tokens.viewer === tokens.operator) {
    const got = "the same as MONITOR_TOKEN";
    problems.push({ source: "environment", path: "MONITOR_VIEWER_TOKEN", got, expected: "another secret, or none" });
  }
  for (const [path, token] of [
    ["MONITOR_TOKEN", tokens.operator],
    ["MONITOR_VIEWER_TOKEN", tokens.viewer],
  ] as const) {
    if (token === null || token.length >= LEAST_TOKEN) continue;
    const got = `a token of ${token.length} characters, which can be guessed`;
    problems.push({ source: "environment", path, got, expected: `at least ${LEAST_TOKEN}: openssl rand -hex 24` });
  }
  return {
    host: read("MONITOR_HOST") ?? "127.0.0.1",
    port: integer(read("MONITOR_PORT"), { name: "MONITOR_PORT", max: MAX_PORT, problems }) ?? DEFAULT_MONITOR_PORT,
    tokens,
    allowedHosts: (read("MONITOR_ALLOWED_HOSTS") ?? "")
      .split(",")
      .map((host) => host.trim().toLowerCase())
      .filter(Boolean),
  };
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

interface IntegerRange {
  readonly name: string;
  readonly max: number;
  readonly problems: Problem[];
}

function integer(value: string | undefined, { name, max, problems }: IntegerRange): number | undefined {
  if (value === undefined) return undefined;
  // `Number` alone would take 0x10 and 1e3.
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= max) return number;
  problems.push({ source: "environment", path: name, got: showValue(value), expected: `an integer 1–${max}` });
  return undefined;
}

function readConfigFile(path: string | undefined, directory: string, problems: Problem[]): ConfigFile {
  if (path === undefined) return DEFAULT_CONFIG;
  try {
    const document = parseJsonDocument(path, decodeUtf8(path, readFileSync(resolve(directory, path))));
    const { data, faults } = checkConfigFile(document.value);
    problems.push(...toProblems([...document.duplicates, ...faults], { source: path, lineOf: document.lineOf }));
    return data ?? DEFAULT_CONFIG;
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
