import { untilMidnightPacific } from "./google-error.ts";
import { decimal, duration, httpDate, rfc3339 } from "./header-values.ts";

/** Nobody waits longer for one answer; vendors do say 114 hours. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

type Headers = Readonly<Record<string, string>>;

export interface RetryAfterSources {
  readonly headers: Headers;
  /** The vendor's error message. */
  readonly message: string;
  /** As in `VendorError`. */
  readonly retryDelay: string | null;
  /** As in `VendorError`. */
  readonly quotas: readonly string[];
  /** Epoch ms; only needed when the answer itself carries no `date`. */
  readonly now: number;
}

/**
 * How long the vendor asks us to wait, at most 24 hours; `null` when it says nothing that makes sense. The longest of
 * what it says about this request; only without that, the reset of a limit that is used up: a reset is the time until
 * the limit is *full* again (60 s where OpenAI itself asks for half a second, see 429-rate-limit-tokens-retry-after).
 */
export function retryAfterMs({ headers, message, retryDelay, quotas, now }: RetryAfterSources): number | null {
  // Times are held against the vendor's own clock where the answer shows it.
  const answeredAt = httpDate(headers["date"]) ?? now;
  const asked = longest([
    // The same wait twice: `retry-after` has only whole seconds. Azure's milliseconds can be 0 beside a second.
    decimal(headers["retry-after-ms"]) || fromRetryAfter(headers["retry-after"], answeredAt),
    fromRetryDelay(retryDelay),
    // Beside a quota of the day Google asks for seconds all the same.
    quotas.some((quota) => quota.includes("PerDay")) ? untilMidnightPacific(answeredAt) : null,
    fromMessage(message),
  ]);
  return asked ?? longest(RESETS.map((names) => fromReset(headers, names, answeredAt)));
}

function longest(waits: readonly (number | null)[]): number | null {
  const said = waits.filter((wait) => wait !== null);
  return said.length === 0 ? null : Math.min(LONGEST_WAIT_MS, Math.ceil(Math.max(...said)));
}

/** Seconds or an HTTP date. */
function fromRetryAfter(value: string | undefined, answeredAt: number): number | null {
  const seconds = decimal(value);
  return seconds === null ? timeUntil(httpDate(value), answeredAt) : seconds * 1000;
}

function timeUntil(time: number | null, answeredAt: number): number | null {
  return time !== null && time >= answeredAt ? time - answeredAt : null;
}

/** Seconds with up to nine decimals and an `s`, e.g. `34.074824224s`. */
function fromRetryDelay(text: string | null): number | null {
  const seconds = text?.endsWith("s") === true ? decimal(text.slice(0, -1)) : null;
  return seconds === null ? null : seconds * 1000;
}

/** "Please try again in 1m3.5s", "Please retry after 60 seconds". */
function fromMessage(message: string): number | null {
  const match = /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s?[a-z]+\s?)+)/i.exec(message);
  return match?.[1] === undefined ? null : duration(match[1]);
}

interface ResetHeaders {
  readonly remaining: string;
  readonly reset: string;
}

/** OpenAI says how long, Anthropic until when. */
const RESETS: readonly ResetHeaders[] = [
  ...["requests", "tokens"].map((name) => ({
    remaining: `x-ratelimit-remaining-${name}`,
    reset: `x-ratelimit-reset-${name}`,
  })),
  ...["requests", "tokens", "input-tokens", "output-tokens"].map((name) => ({
    remaining: `anthropic-ratelimit-${name}-remaining`,
    reset: `anthropic-ratelimit-${name}-reset`,
  })),
];

/** A reset counts only for the limit that is used up: the other ones reset too, but nobody waits for them. */
function fromReset(headers: Headers, { remaining, reset }: ResetHeaders, answeredAt: number): number | null {
  if (decimal(headers[remaining]) !== 0) return null;
  const value = headers[reset];
  const until = rfc3339(value);
  return until === null ? duration(value) : timeUntil(until, answeredAt);
}
