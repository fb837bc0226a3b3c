/* Numbers as people read them. */

export function integer(value: number): string {
  return value.toLocaleString("en-US");
}

/** As many decimals as small amounts need, without noise on large ones. */
export function formatUsd(microUsd: number): string {
  const usd = microUsd / 1e6;
  if (usd === 0) return "0";
  if (usd >= 100) return usd.toFixed(2);
  if (usd >= 1) return usd.toFixed(4);
  return usd >= 1e-6 ? usd.toPrecision(3) : usd.toFixed(12).replace(/0+$/, "");
}

export function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${integer(Math.round(value))} ms`;
}

/** To three digits, for narrow columns: `850 ms`, `1.30 s`, `125 s`. */
export function shortDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  return `${ms < 99_950 ? (ms / 1000).toPrecision(3) : integer(Math.round(ms / 1000))} s`;
}

/** `1 job`, `2,000 jobs` */
export function plural(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `45 s`, `12 min`, `30 h` or `9 days`: one number, rounded up. */
export function roundedDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.ceil(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.ceil(hours / 24)} days`;
}
