import { pino, type DestinationStream, type Logger as PinoLogger, type LoggerOptions as PinoOptions } from "pino";
import pretty from "pino-pretty";
import { scrub } from "./secrets.ts";

/** Without `child`: what is bound to a child logger is not looked at. */
export type Logger = Pick<PinoLogger, "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "isLevelEnabled">;

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** One JSON object a line for machines, coloured lines for a terminal. */
  readonly format: "json" | "pretty";
}

/** Logs go to standard error: standard output belongs to results. */
const STANDARD_ERROR = 2;

/** Neither keys nor what somebody wrote ever reaches a log, however it is handed over. */
export function createLogger({ level, format }: LoggerOptions): Logger {
  const options: PinoOptions = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    // `loggable` has made plain objects of errors already.
    serializers: { err: (error: unknown) => error },
    hooks: {
      logMethod(args, method) {
        const [first, ...rest] = args as unknown[];
        const isBareError = first instanceof Error && rest.length === 0;
        const whole = isBareError
          ? [{ err: first }, first.message]
          : [first instanceof Error ? { err: first } : first, ...rest];
        method.apply(this, whole.map((value) => loggable(value)) as Parameters<typeof method>);
      },
      streamWrite: printable,
    },
  };
  return pino(options, destinationOf(format));
}

function destinationOf(format: LoggerOptions["format"]): DestinationStream {
  if (format === "json") return pino.destination({ fd: STANDARD_ERROR, sync: true });
  return pretty({
    destination: STANDARD_ERROR,
    sync: true,
    colorize: true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname",
  });
}

/** Names of secrets, once everything but letters is taken out: `x-api-key`, `REDIS_PASSWORD`, `Set-Cookie`. */
const SECRET_NAME = /apikey|secret|password|authorization|accesstoken|authtoken|bearer|cookie|credential|^token$/;

/** Names of what agents and people wrote. */
const TEXT_NAME = /^(?:prompt|systemprompt|messages|mention|conversationhistory|context|text|content|body)$/;

/** Deeper objects are no log line but a mistake. */
const MOST_LEVELS = 6;

/** What may be logged of a value. Plain objects and lists are walked; of any other object only its class is told. */
function loggable(value: unknown, levels = MOST_LEVELS): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (levels === 0) return "[nested too deeply]";
  if (value instanceof Error) return errorFields(value, levels);
  if (Array.isArray(value)) return value.map((item) => loggable(item, levels - 1));
  if (!isPlain(value)) return `[${value.constructor.name}]`;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !isSecret(name))
      .map(([name, item]) => [name, loggable(item, levels - 1)]),
  );
}

/** Nothing else: a Redis error carries its command, and that whole jobs or a password. */
function errorFields(error: Error & { code?: unknown }, levels: number): Record<string, unknown> {
  const { name, message, stack, code, cause } = error;
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code: loggable(code, levels - 1) }),
    stack,
    ...(cause === undefined ? {} : { cause: loggable(cause, levels - 1) }),
  };
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isSecret(name: string): boolean {
  const letters = name.toLowerCase().replace(/[^a-z]/g, "");
  return SECRET_NAME.test(letters) || TEXT_NAME.test(letters);
}

/**
 * Control characters, which JSON has escaped, and bidi controls, which it has not: both can make a terminal show
 * something else than what is there. A pair of backslashes is matched to be left alone.
 */
const INVISIBLE = /\\\\|\\u00[01][0-9a-f]|[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The last look at a finished line, for what is recognised by its value or its form. */
function printable(line: string): string {
  return scrub(line).replace(INVISIBLE, (match) => {
    if (match === "\\\\") return match;
    return match.startsWith("\\") ? `\\${match}` : `\\\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
