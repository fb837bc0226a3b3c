import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";
import pretty from "pino-pretty";

export type Logger = PinoLogger;

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** One JSON object a line for machines, coloured lines for a terminal. */
  readonly format: "json" | "pretty";
}

/** Logs go to standard error: standard output belongs to results. */
const STANDARD_ERROR = 2;

/** Names of fields that must never be logged, whatever object carries them. */
const SECRET_FIELDS = ["apiKey", "api_key", "authorization", "password", "messages", "prompt"];

export function createLogger({ level, format }: LoggerOptions): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths, remove: true },
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
