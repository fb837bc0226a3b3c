import type { SlotEvent } from "../generation/run.ts";

/**
 * How many jobs of one lane a process should have in work, learned from how long the limiter makes them wait for their
 * slots: enough that no slot is missed, no more than wait for half a second. Nobody has to know the vendor's rate, its
 * latency, or how many other processes share it: all of that shows in the wait.
 */
export interface LanePace {
  /** Jobs in work, waiting ones included. */
  readonly inWork: number;
  /** Those of them that count against the process's cap: not those that wait for a slot, none when nothing ends. */
  readonly counted: number;
  /** At most so many in work; `Infinity`: no limiter is in the way. */
  readonly target: number;
  started(): void;
  ended(): void;
  /** @returns the receiver of one job's events, see `RunInput.onSlot` */
  follow(): (event: SlotEvent) => void;
  /** A job was told to come back later. */
  blocked(): void;
}

/** With shorter waits slots may be missed: one more. */
const SHORT_WAIT_MS = 150;
/** With longer ones jobs only stand in each other's way: one less. */
const LONG_WAIT_MS = 500;
/** A lane of which nothing has ended for so long takes no room from others. */
const STUCK_MS = 1000;

/** @param monotonicMs the clock */
export function createLanePace(monotonicMs: () => number): LanePace {
  let inWork = 0;
  let granted = 0;
  let waiting = 0;
  let target = Infinity;
  let movedAt = monotonicMs();
  return {
    get inWork() {
      return inWork;
    },
    get counted() {
      return inWork > 0 && monotonicMs() - movedAt > STUCK_MS ? 0 : inWork - waiting;
    },
    get target() {
      return target;
    },
    started() {
      if (inWork++ === 0) movedAt = monotonicMs();
    },
    ended() {
      inWork--;
      movedAt = monotonicMs();
      // The next rush finds a full bucket again.
      if (inWork === 0) target = Infinity;
    },
    follow() {
      let isWaiting = false;
      return (event) => {
        if (isWaiting) waiting--;
        isWaiting = false;
        if (event === "calling") return;
        if (event === "over") return void granted--;
        granted++;
        isWaiting = event.slotInMs > 0;
        if (isWaiting) waiting++;
        target = nextTarget(target, inWork, event.slotInMs);
      };
    },
    blocked() {
      target = Math.max(1, Math.min(target, granted));
    },
  };
}

function nextTarget(target: number, inWork: number, slotInMs: number): number {
  if (slotInMs < SHORT_WAIT_MS) return Math.max(target, inWork) + 1;
  return slotInMs > LONG_WAIT_MS ? Math.max(1, Math.min(target, inWork) - 1) : target;
}
