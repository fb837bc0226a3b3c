import { sleep } from "../platform/clock.ts";
import { RedisUnavailableError } from "../platform/redis.ts";
import type { Producer } from "../queue/producer.ts";
import type { Hold } from "./holds.ts";
import type { PlannedText } from "./plan.ts";
import type { Target } from "./targets.ts";

export interface WatchOptions {
  readonly producer: Pick<Producer, "cancel">;
  /** Texts that have no result yet; shrinks meanwhile. */
  readonly open: ReadonlySet<PlannedText>;
  readonly signal: AbortSignal;
  readonly holdsOf: (targets: readonly Target[]) => Promise<readonly (Hold | null)[]>;
  readonly lookEveryMs?: number;
  readonly onHold: (target: Target, hold: Hold) => void;
}

export interface HoldWatch {
  /** Cancels what is open of a target, now and for as long as calls that are spared may come back to wait. */
  giveUp(target: number, because: string): Promise<void>;
  /** Never resolves; rejects with defects. A Redis that is away is waited for, as results wait for it. */
  readonly failed: Promise<never>;
  /** Resolves after the signal. */
  readonly ended: Promise<void>;
}

const LOOK_EVERY_MS = 2000;

/** Looks again and again at what holds targets up that have open texts. */
export function watchHolds(targets: readonly Target[], options: WatchOptions): HoldWatch {
  const { producer, open, signal, holdsOf, lookEveryMs = LOOK_EVERY_MS, onHold } = options;
  const told = new Set<Target>();
  /** Target → why it was given up. */
  const hopeless = new Map<number, string>();
  const cancel = async (given: number, because: string): Promise<void> => {
    const rest = [...open].filter(({ target }) => target === given);
    await Promise.all(rest.map(({ id }) => producer.cancel(id, { sparesCalls: true, because })));
  };
  const giveUp = async (target: number, because: string): Promise<void> => {
    if (hopeless.has(target)) return;
    hopeless.set(target, because);
    await cancel(target, because);
  };
  const look = async (): Promise<void> => {
    await Promise.all([...hopeless].map(([target, because]) => cancel(target, because)));
    const waiting = new Set([...open].map(({ target }) => target).filter((target) => !hopeless.has(target)));
    const holds = await holdsOf(targets);
    for (const [index, target] of targets.entries()) {
      const hold = holds[index] ?? null;
      if (hold === null || !waiting.has(index)) continue;
      if (!told.has(target)) onHold(target, hold);
      told.add(target);
      if (hold.needsPerson) await giveUp(index, `${hold.what} is paused (${hold.why ?? ""})`);
    }
  };
  const watching = (async () => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        if (!(error instanceof RedisUnavailableError)) throw error;
      });
      await sleep(lookEveryMs, signal);
    }
  })();
  const failure = Promise.withResolvers<never>();
  watching.catch(failure.reject);
  failure.promise.catch(() => undefined);
  return { giveUp, failed: failure.promise, ended: watching.catch(() => undefined) };
}
