/** What stands in headers of HTTP answers. All of these are `null` for what is missing or makes no sense. */

/** Without a sign, an exponent or a unit. */
export function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

/** Epoch ms. `Date.parse` alone would read "-5" as a day in May. */
export function httpDate(text: string | undefined): number | null {
  if (text === undefined || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return null;
  return epochMs(text);
}

/** Epoch ms of RFC 3339, e.g. `2026-11-23T12:00:30Z`. Without a zone it would be read as our local time. */
export function rfc3339(text: string | undefined): number | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)) return null;
  return epochMs(text);
}

function epochMs(text: string): number | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds: `20ms`, `1s`, `6m0s`, `114h18m0s`, `60 seconds`. A number without a unit could be anything. */
export function duration(text: string | undefined): number | null {
  let total: number | null = null;
  for (const [, amount, unit] of (text ?? "").matchAll(/(\d+(?:\.\d+)?)\s?(ms|millisecond|s|m|h|d)[a-z]*/gi)) {
    total = (total ?? 0) + Number(amount) * (UNIT_MS[(unit ?? "").toLowerCase()] ?? 0);
  }
  return total;
}
