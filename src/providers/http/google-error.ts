import type { VendorError } from "./vendor-error.ts";

/* What Google's errors mean where nobody else speaks like it. All of these wordings are in test/fixtures/gemini. */

/** A wrong key is answered with 400, and so is a right one from a country that Google does not serve: neither ever works. */
export function isGoogleKeyRefused({ message }: VendorError): boolean {
  return /\bapi key (not valid|expired)|user location is not supported/i.test(message);
}

/**
 * No wait helps, although Google puts all of it into the words of a rate limit, at times with seconds to wait: the money
 * is spent, or the limit is 0 because the model is not in the free tier.
 */
export function isGoogleQuotaGone({ message }: VendorError, status: number): boolean {
  return status === 429 && /credits are depleted|monthly spending cap|\blimit: 0\b/i.test(message);
}

export function isGooglePromptTooLong({ message }: VendorError): boolean {
  return /\binput token count\b.{0,30}\bexceeds the maximum/i.test(message);
}

/** Wire name of the parameter that Google refuses without naming it so; `null`: no such error. */
export function googleParameter({ codes, message }: Pick<VendorError, "codes" | "message">): string | null {
  // Either penalty, or both: it does not say which.
  if (/^penalty is not enabled/i.test(message)) return "frequency_penalty";
  if (THINKING.test(message)) return "thinkingConfig";
  if (!/\bthinking is not (supported|enabled)/i.test(message)) return null;
  return GOOGLE_CODES.test(codes) ? "thinkingConfig" : "thinking";
}

/** Level, budget, or all of it. */
const THINKING = /\bthinking (level|budget)\b|\bonly works in thinking mode|unknown name ['"]thinking/i;

/** A bare HTTP status, and the name of its meaning at most: others have a type of their own words. */
const GOOGLE_CODES = /^\d{3}( invalid_argument)?$/;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Milliseconds until Google's quotas of the day start anew.
 * https://ai.google.dev/gemini-api/docs/rate-limits: "Requests per day (RPD) quotas reset at midnight Pacific time."
 * @param now epoch ms
 */
export function untilMidnightPacific(now: number): number {
  const leftMs = DAY_MS - sincePacificMidnight(now);
  // A day on which summer time begins or ends is an hour shorter or longer.
  const overMs = sincePacificMidnight(now + leftMs);
  return overMs < DAY_MS / 2 ? leftMs - overMs : leftMs + DAY_MS - overMs;
}

function sincePacificMidnight(at: number): number {
  const clock = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone: "America/Los_Angeles", hourCycle: "h23" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  const [hours = 0, minutes = 0, seconds = 0] = clock.format(at).split(":").map(Number);
  return hours * HOUR_MS + minutes * 60_000 + seconds * 1000 + (at % 1000);
}
