/** The percentile by nearest rank: a value that was measured, never one in between. @param sorted not empty */
export function nearestRank(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
