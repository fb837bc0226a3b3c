/**
 * How many jobs each lane may have in work, under one cap for the process. Lanes with work share the cap equally; a lane
 * grows only into what is free, and shrinks as its jobs end. Every lane may have one, or an idle one could never start:
 * so the cap is exceeded by as many as there are lanes that start while others fill it, until those shrink.
 * @param inWork jobs in work, by lane
 */
export function laneShares(inWork: readonly number[], cap: number): number[] {
  const total = inWork.reduce((sum, jobs) => sum + jobs, 0);
  const busy = inWork.filter((jobs) => jobs > 0).length;
  const free = Math.max(0, cap - total);
  return inWork.map((jobs) => {
    const share = Math.floor(cap / Math.max(1, jobs > 0 ? busy : busy + 1));
    return Math.max(1, Math.min(share, jobs + free));
  });
}
