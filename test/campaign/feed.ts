import { setTimeout as sleep } from "node:timers/promises";
import { RedisUnavailableError } from "../../src/platform/redis.ts";
import { controlKeys } from "../../src/admission/keys.ts";
import { tweet, type FaultSystem } from "../support/faults/fault-system.ts";

/** Jobs enqueued at once, and between two looks at how many are left. */
const CHUNK = 100;
/** As many wait as there are calls for in some seconds. */
const MOST_WAITING = 600;

export interface Feed {
  /** Resolves when every job was acknowledged. */
  readonly done: Promise<void>;
  /** How often Redis did not take a chunk, which was sent again. */
  readonly refusals: () => number;
}

export interface FeedOptions {
  /** How much of the campaign is over, 0 to 1: jobs last as long as it does. */
  readonly share: () => number;
  readonly signal: AbortSignal;
}

/** A producer that goes on until each of its jobs was acknowledged, whatever happens to Redis meanwhile. */
export function feed(system: FaultSystem, jobs: number, { share, signal }: FeedOptions): Feed {
  let refusals = 0;
  let fed = 0;
  const { results } = controlKeys(system.namespace);
  const send = async (from: number): Promise<void> => {
    const ids = Array.from({ length: Math.min(CHUNK, jobs - from) }, (_, index) => `c-${from + index}`);
    for (;;) {
      try {
        await system.producer.enqueueMany(ids.map((id) => tweet(id)));
        // Noted when Redis has said so, not before.
        system.accept(ids);
        fed += ids.length;
        return;
      } catch (error) {
        if (!(error instanceof RedisUnavailableError) || signal.aborted) throw error;
        refusals++;
        await sleep(200);
      }
    }
  };
  const waiting = async (): Promise<number> => system.accepted.length - (await system.redis.xlen(results));
  const isAhead = (): boolean => fed > jobs * share();
  const run = async (): Promise<void> => {
    for (let from = 0; from < jobs && !signal.aborted; from += CHUNK) {
      await send(from);
      while (!signal.aborted && (isAhead() || (await waiting()) > MOST_WAITING)) await sleep(250);
    }
  };
  return { done: run(), refusals: () => refusals };
}
