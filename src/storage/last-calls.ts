/** What the last calls of a limit group say; at most 200 of them, none older than an hour. */
export interface CallStatistics {
  readonly calls: number;
  /** 0–1, of the calls that were not aborted by us; `null`: there were none. */
  readonly successShare: number | null;
  /** Of the same calls. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** How many ended in the last minute; of a busy group worked out from the last ones, which are all that is kept. */
  readonly callsPerMinute: number;
  /** When the last of them succeeded, epoch ms; `null`: none did. */
  readonly lastSucceededAt: number | null;
}

const LONGEST_AGO_MS = 3600_000;

/** @param lines as SETTLE writes them: `<duration ms> <outcome> <epoch ms>` */
export function readCalls(lines: readonly string[], now: number): CallStatistics {
  const calls = lines.map(parseCall).filter(({ at }) => at > now - LONGEST_AGO_MS);
  // How long we let a call run that we then aborted tells nothing about the vendor.
  const finished = calls.filter(({ outcome }) => outcome !== "aborted");
  const succeeded = finished.filter(({ outcome }) => outcome === "succeeded");
  const durations = finished.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  return {
    calls: calls.length,
    successShare: finished.length === 0 ? null : succeeded.length / finished.length,
    p50Ms: nearestRank(durations, 0.5),
    p95Ms: nearestRank(durations, 0.95),
    callsPerMinute: rateOf(
      calls.map(({ at }) => at),
      now,
    ),
    lastSucceededAt: succeeded.length === 0 ? null : Math.max(...succeeded.map(({ at }) => at)),
  };
}

const MINUTE_MS = 60_000;
/** As SETTLE keeps them, see settle.lua. */
const KEPT_CALLS = 200;

function rateOf(endedAt: readonly number[], now: number): number {
  const recent = endedAt.filter((at) => at > now - MINUTE_MS);
  if (recent.length < KEPT_CALLS) return recent.length;
  return (recent.length * MINUTE_MS) / Math.max(1, now - Math.min(...recent));
}

function parseCall(line: string): { durationMs: number; outcome: string; at: number } {
  const [durationMs, outcome = "", at] = line.split(" ");
  return { durationMs: Number(durationMs), outcome, at: Number(at) };
}

function nearestRank(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
