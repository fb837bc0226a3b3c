import { sleep } from "../platform/clock.ts";
import { isPassingRedisError } from "../platform/redis-retry.ts";
import { tickAgent, type TickContext } from "./schedule-tick.ts";

/** Fires what is due of all schedules of a namespace. Any number may run: they share the agents. */
export interface ScheduleTicker {
  start(): void;
  /** One round: takes the agents that have a slot and deals with them. @returns how many */
  tick(): Promise<number>;
  /** Takes no more agents, and waits a moment for those that are taken; others deal with what is left. */
  close(): Promise<void>;
}

/** A post is late by this at most. */
const POLL_MS = 500;
/** After a crash, or an error, the agent is taken again by somebody. */
const LEASE_MS = 10_000;
const MOST_TAKEN = 50;
const LONGEST_CLOSE_MS = 2000;
/** While Redis is away every round fails. */
const ROUNDS_PER_LOG_LINE = 120;

export function createScheduleTicker(context: TickContext): ScheduleTicker {
  const { store, clock, logger } = context;
  const closing = new AbortController();
  const { signal } = closing;
  let running: Promise<void> = Promise.resolve();
  const tick = async (): Promise<number> => {
    const agents = await store.take({ now: clock.now(), leaseMs: LEASE_MS, most: MOST_TAKEN });
    await Promise.all(agents.map(async (agentId) => await tickSafely(agentId, context)));
    return agents.length;
  };
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      const taken = await tick().then(
        (count) => ((failures = 0), count),
        (error: unknown) => {
          if (!signal.aborted && failures++ % ROUNDS_PER_LOG_LINE === 0)
            logger.error({ err: messageOf(error) }, "schedules cannot be looked at; trying on");
          return 0;
        },
      );
      if (taken < MOST_TAKEN) await sleep(POLL_MS, signal);
    }
  };
  return {
    tick,
    start: () => void (running = run()),
    async close() {
      closing.abort();
      const patience = new AbortController();
      await Promise.race([running, sleep(LONGEST_CLOSE_MS, patience.signal)]);
      patience.abort();
    },
  };
}

/** One agent's trouble does not hold up the others: it is taken again when its lease is over. */
async function tickSafely(agentId: string, context: TickContext): Promise<void> {
  try {
    await tickAgent(agentId, context);
  } catch (error) {
    if (isPassingRedisError(error)) context.logger.debug({ agent: agentId, err: messageOf(error) }, "tick failed");
    else context.logger.error({ agent: agentId, err: messageOf(error) }, "its schedule cannot go on; trying again");
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
