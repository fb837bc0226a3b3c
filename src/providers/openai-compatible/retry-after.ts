/** Nobody waits longer for one answer; vendors do say 114 hours. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

export interface RetryAfterSources {
  readonly headers: Readonly<Record<string, string>>;
  /** The vendor's error message. */
  readonly message: string;
  /** Epoch ms; only needed when the answer itself carries no `date`. */
  readonly now: number;
}

/**
 * How long the vendor asks us to wait, at most 24 hours; `null` when it says nothing that makes sense. The longest of
 * what it says about this request; only without that, the reset of a limit that is used up: a reset is the time until
 * the limit is *full* again (60 s where OpenAI itself asks for half a second, see 429-rate-limit-tokens-retry-after).
 */
export function retryAfterMs({ headers, message, now }: RetryAfterSources): number | null {
  const asked = longest([
    decimal(headers["retry-after-ms"]),
    fromRetryAfter(headers["retry-after"], headers["date"], now),
    fromMessage(message),
  ]);
  return asked ?? longest([fromReset(headers, "requests"), fromReset(headers, "tokens")]);
}

function longest(waits: readonly (number | null)[]): number | null {
  const said = waits.filter((wait) => wait !== null);
  return said.length === 0 ? null : Math.min(LONGEST_WAIT_MS, Math.ceil(Math.max(...said)));
}

function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

/** Seconds or an HTTP date, which is held against the vendor's own clock where the answer shows it. */
function fromRetryAfter(value: string | undefined, date: string | undefined, now: number): number | null {
  const seconds = decimal(value);
  if (seconds !== null) return seconds * 1000;
  const until = httpDate(value);
  if (until === null) return null;
  const wait = until - (httpDate(date) ?? now);
  return wait >= 0 ? wait : null;
}

/** `Date.parse` alone would read "-5" as a day in May. */
function httpDate(text: string | undefined): number | null {
  if (text === undefined || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** A reset time counts only for the limit that is used up: the other one resets too, but nobody waits for it. */
function fromReset(headers: RetryAfterSources["headers"], limit: "requests" | "tokens"): number | null {
  if (decimal(headers[`x-ratelimit-remaining-${limit}`]) !== 0) return null;
  return duration(headers[`x-ratelimit-reset-${limit}`] ?? "");
}

/** "Please try again in 1m3.5s", "Please retry after 60 seconds". */
function fromMessage(message: string): number | null {
  const match = /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s?[a-z]+\s?)+)/i.exec(message);
  return match?.[1] === undefined ? null : duration(match[1]);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `20ms`, `1s`, `6m0s`, `114h18m0s`, `60 seconds`. A number without a unit could be anything and is not read. */
function duration(text: string): number | null {
  let total: number | null = null;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s?(ms|millisecond|s|m|h|d)[a-z]*/gi)) {
    total = (total ?? 0) + Number(amount) * (UNIT_MS[(unit ?? "").toLowerCase()] ?? 0);
  }
  return total;
}
