import { Cron } from "croner";

/** A cron expression in a time zone, asked for moments in epoch ms. */
export interface CronTimes {
  /** The first time after `at`; `null`: it never comes. */
  next(at: number): number | null;
}

const FIELDS = ["minute", "hour", "day of the month", "month", "day of the week"] as const;
const LAST_OF_FIELD = [59, 23] as const;

/**
 * Five fields, or a nickname such as `@daily`. Where hours are named, a time that the clocks skip in spring comes once,
 * as soon as the gap is over, and one that they show twice in autumn comes once, the first time. `*` as the hour means
 * every hour that passes.
 * @throws TypeError, RangeError what `whatIsWrongWithCron` finds
 */
export function openCron(expression: string, timezone: string): CronTimes {
  const cron = new Cron(withNamedTimes(expression), {
    timezone,
    mode: "5-part",
    fixedTimeRule: "no-wildcard",
  });
  return { next: (at) => cron.nextRun(new Date(at))?.getTime() ?? null };
}

/**
 * Croner makes the difference between fixed times and intervals by the absence of `*` and steps. To us a step is a short
 * way to write a list, so that steps become lists.
 */
function withNamedTimes(expression: string): string {
  const fields = expression.trim().split(/\s+/);
  const [minute = "*", hour = "*", ...date] = fields;
  if (fields.length !== FIELDS.length || /^[*?]$/.test(hour)) return expression;
  return [listOf(minute, LAST_OF_FIELD[0]), listOf(hour, LAST_OF_FIELD[1]), ...date].join(" ");
}

/** `*` and steps as lists of numbers; other parts as they are. */
function listOf(field: string, last: number): string {
  const parts = field.split(",").map((part) => {
    const [, first, end, step] = /^(?:[*?]|(\d+)-(\d+))(?:\/(\d+))?$/.exec(part) ?? [];
    const isNumbered = /[*?/]/.test(part);
    const stride = Number(step ?? 1);
    if (!isNumbered || !(stride > 0)) return part;
    const from = Number(first ?? 0);
    const count = Math.floor((Number(end ?? last) - from) / stride) + 1;
    return count > 0 ? Array.from({ length: count }, (_, index) => from + index * stride).join(",") : part;
  });
  return parts.join(",");
}

const EXAMPLE = '"0 9,17 * * 1-5" (9:00 and 17:00 from Monday to Friday)';
const EXPECTED = `${FIELDS.length} fields (${FIELDS.join(", ")}), e.g. ${EXAMPLE}`;

/** An expression that never comes is wrong as well. */
export function whatIsWrongWithCron(expression: string): { got: string; expected: string } | undefined {
  const shown = JSON.stringify(expression).slice(0, 60);
  const count = expression.trim().split(/\s+/).length;
  const isNickname = expression.trim().startsWith("@");
  if (count !== FIELDS.length && !isNickname) {
    const seconds = count === FIELDS.length + 1 ? "; seconds are not possible: once a minute is the most" : "";
    return { got: `${shown}, which has ${count === 1 ? "1 field" : `${count} fields`}`, expected: EXPECTED + seconds };
  }
  try {
    // Also as it is written: a step may be wrong, and its list not.
    const isWritten = new Cron(expression, { mode: "5-part" }).nextRun(new Date(0)) !== null;
    if (isWritten && openCron(expression, "UTC").next(0) !== null) return undefined;
    return { got: `${shown}, which never comes`, expected: `a date that exists, e.g. ${EXAMPLE}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error);
    return { got: `${shown} (${reason})`, expected: EXPECTED };
  }
}
