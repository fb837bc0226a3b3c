/** A lane in one process, as far as sharing needs it. */
export interface LaneDemand {
  /** Jobs in work. */
  readonly inWork: number;
  /** Those that count against the cap, see `LanePace`. */
  readonly counted: number;
  /** Never more than this. */
  readonly target: number;
}

/**
 * How many jobs each lane may have in work, under one cap for the process. Lanes with work share the cap equally, and
 * what some need less of goes to the others; a lane grows only into what is free, and shrinks as its jobs end. What waits
 * for a slot or does not move takes nobody's room, so that one slow provider does not slow the others' lanes down. Every
 * lane may have one, or an idle one could never start: so the cap is exceeded by as many as there are lanes that start
 * while others fill it, until those shrink. A lane that does not move takes more only while there is room for everything
 * that is in work: its calls may just be long, and nobody else needs the room.
 */
export function laneShares(lanes: readonly LaneDemand[], cap: number): number[] {
  const total = lanes.reduce((sum, { counted }) => sum + counted, 0);
  const free = Math.max(0, cap - total);
  const unused = Math.max(0, cap - lanes.reduce((sum, { inWork }) => sum + inWork, 0));
  const room = Math.ceil(unused / Math.max(1, lanes.filter(isStill).length));
  const busy = lanes.filter(({ counted }) => counted > 0);
  return lanes.map((lane) => {
    const { inWork, counted, target } = lane;
    // What a lane adds that stands still would not count: it must not grow into what others have.
    if (isStill(lane)) return inWork + room;
    const share = equalShare(counted > 0 ? busy : [...busy, lane], cap);
    const allowed = Math.min(share, counted + free) + inWork - counted;
    return Math.max(1, Math.min(allowed, target));
  });
}

/** It has work, of which nothing ends. */
function isStill({ inWork, counted, target }: LaneDemand): boolean {
  return inWork > 0 && counted === 0 && target === Infinity;
}

/** What each lane may have when all take the same, a limited one no more than it calls; the cap when none wants so much. */
function equalShare(lanes: readonly LaneDemand[], cap: number): number {
  // What waits for its slot takes no room: only calls count.
  const wants = lanes.map(({ target, counted }) => (target === Infinity ? Infinity : Math.max(1, counted)));
  wants.sort((a, b) => a - b);
  let left = cap;
  for (const [index, want] of wants.entries()) {
    const share = Math.floor(left / (wants.length - index));
    if (want > share) return share;
    left -= want;
  }
  return cap;
}
