import { mostSimilar } from "../platform/one-of.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/** Hour of the day, 0–23. */
export function hourIn(timezone: string, at: number): number {
  return Number(partsOf(timezone, at)["hour"]);
}

/** `Mon 2026-03-30 09:00`, as clocks there show it. */
export function localTime(timezone: string, at: number): string {
  const { weekday, year, month, day, hour, minute } = partsOf(timezone, at);
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute}`;
}

function partsOf(timezone: string, at: number): Readonly<Record<string, string>> {
  const format = formats.get(timezone) ?? formatOf(timezone);
  formats.set(timezone, format);
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    ...{ weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  });
}

/** `undefined`: it is the name of a time zone. Otherwise what was expected. */
export function whatIsWrongWithTimeZone(name: string): string | undefined {
  if (isTimeZone(name)) return undefined;
  const similar = mostSimilar(name, ["UTC", ...Intl.supportedValuesOf("timeZone")]);
  const hint = similar === undefined ? "" : `; did you mean ${JSON.stringify(similar)}?`;
  return `a time zone of the IANA list, such as "Europe/Berlin" or "UTC"${hint}`;
}

function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are known to JavaScript, but they do not follow the clocks of any place.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}
