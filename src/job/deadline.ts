import { z } from "zod";
import { documentedAs } from "../platform/documented-as.ts";

const DAY_MS = 24 * 3600_000;
/** Further ahead nobody plans: it is a slip, such as microseconds. */
const MOST_DAYS_AHEAD = 400;

const expected = "a time with its zone, e.g. 2026-11-25T18:00:00Z, or a whole number: epoch ms";

/** With seconds, and without. */
const isoTime = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })]);

/**
 * When a text is of no use any more: ISO 8601 with zone, or epoch ms, which CSV has as digits. Becomes epoch ms; the past
 * is fine. How far ahead it may be is seen by this machine's clock.
 */
export const deadline = documentedAs(
  z.union([z.string(), z.number()], { error: expected }).transform((given, context) => {
    const at = epochMsOf(given);
    const isNear = at <= Date.now() + MOST_DAYS_AHEAD * DAY_MS;
    if (isNear && at >= 0) return at;
    const isTime = Number.isSafeInteger(at) && at >= 0;
    context.addIssue({ code: "custom", message: isTime ? `a time at most ${MOST_DAYS_AHEAD} days ahead` : expected });
    return z.NEVER;
  }),
  {
    description: "From then on it need not be written any more: a time with its zone, or epoch milliseconds.",
    anyOf: [{ type: "string" }, { type: "integer", minimum: 0 }],
    examples: ["2026-11-25T18:00:00Z"],
  },
);

/** `NaN`: it is none. */
function epochMsOf(given: string | number): number {
  if (typeof given === "number" || /^\d+$/.test(given)) return Number.isInteger(Number(given)) ? Number(given) : NaN;
  return isoTime.safeParse(given).success ? Date.parse(given) : NaN;
}

/** The last moment that a `Date` can be. */
const LAST_DATE_MS = 8.64e15;

/** As it stands in the queue; jobs of earlier producers have none. */
export const deadlineAt = z.int().nonnegative().max(LAST_DATE_MS).nullable().default(null);
