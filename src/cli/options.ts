import { InvalidArgumentError } from "commander";
import { systemClock } from "../platform/clock.ts";

/** @throws InvalidArgumentError, which commander shows with the option's name */
export function positiveInteger(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("Expected an integer of at least 1.");
  return number;
}

/** How long counters are kept by default. */
const MOST_DAYS = 400;

/** @throws InvalidArgumentError */
export function numberOfDays(value: string): number {
  const days = Number(value);
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new InvalidArgumentError(`Expected 1–${MOST_DAYS}.`);
  return days;
}

/** @throws InvalidArgumentError */
export function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError("Expected a port, 1–65535.");
  return port;
}

/** Collects `name=value` pairs of a repeatable option. */
export function keyValue(pair: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = pair.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("Expected NAME=VALUE.");
  return { ...earlier, [pair.slice(0, equals)]: pair.slice(equals + 1) };
}

/** Collects the values of a repeatable option. */
export function list(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3600_000, d: 24 * 3600_000 };

/**
 * A time, whose zone the job's own check looks at, or a duration from now, as epoch ms.
 * @throws InvalidArgumentError
 */
export function deadline(value: string): string | number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  if (count !== undefined) return systemClock.now() + Number(count) * (UNIT_MS[unit] ?? 0);
  if (/^\d{4}-/.test(value)) return value;
  throw new InvalidArgumentError(
    "Expected a time with its zone, e.g. 2026-11-25T18:00:00Z, or one from now, e.g. 10m.",
  );
}
