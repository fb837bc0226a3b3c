/** `45 s`, `12 min`, `30 h` or `9 days`: one number, rounded up. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.ceil(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.ceil(hours / 24)} days`;
}

/** `2026-11-23 12:05 UTC (4 min ago)` */
export function showSince(at: number, now: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC (${showDuration(now - at)} ago)`;
}
