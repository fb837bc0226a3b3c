import { setTimeout as sleep } from "node:timers/promises";
import { RedisUnavailableError } from "../../src/platform/redis.ts";
import { tweet, type FaultSystem } from "../support/faults/fault-system.ts";
import type { TcpProxy } from "../support/faults/tcp-proxy.ts";
import type { LocalRedis } from "../support/redis-server.ts";
import type { Fleet } from "./fleet.ts";
import type { Events, PlannedEvent } from "./plan.ts";
import type { StormyProvider } from "./provider.ts";

export interface Chaos {
  readonly system: FaultSystem;
  readonly fleet: Fleet;
  readonly redis: LocalRedis;
  readonly proxy: TcpProxy;
  readonly provider: StormyProvider;
  readonly partitionMs: number;
}

/** How long it took until a job ended again, ms. */
export interface Recoveries {
  readonly redisKill: number[];
  readonly partition: number[];
}

export interface ChaosLog {
  readonly done: Readonly<Record<keyof Events, number>>;
  readonly recoveries: Recoveries;
  /** Exit codes, other than 0, of workers that were asked to go. */
  readonly badExits: readonly (number | null)[];
}

/** Executes what was planned, one event after the other; stopped workers and storms go on beside it. */
export async function wreak(
  plan: readonly PlannedEvent[],
  chaos: Chaos,
  onEvent: (done: ChaosLog["done"]) => void,
): Promise<ChaosLog> {
  const done = { kill: 0, stop: 0, restart: 0, redisKill: 0, partition: 0, storm: 0 };
  const recoveries: Recoveries = { redisKill: [], partition: [] };
  const badExits: (number | null)[] = [];
  const beside: Promise<void>[] = [];
  for (const { kind, draw, pauseMs } of plan) {
    const event = EVENTS[kind](draw, chaos, { recoveries, badExits });
    beside.push(...(await event));
    done[kind]++;
    onEvent(done);
    await sleep(pauseMs);
  }
  await Promise.all(beside);
  return { done, recoveries, badExits };
}

interface Notes {
  readonly recoveries: Recoveries;
  readonly badExits: (number | null)[];
}

/** @returns what goes on beside the events that follow */
type Execute = (draw: number, chaos: Chaos, notes: Notes) => Promise<Promise<void>[]>;

const LONGEST_STOP_MS = 25_000;
const LONGEST_STORM_MS = 8000;
const LONGEST_OUTAGE_MS = 2000;

const EVENTS: Readonly<Record<keyof Events, Execute>> = {
  async kill(draw, { fleet }) {
    const worker = await fleet.take(draw);
    worker.signal("SIGKILL");
    return [];
  },
  async stop(draw, { fleet }) {
    const worker = await fleet.take(draw);
    worker.signal("SIGSTOP");
    const wake = async (): Promise<void> => {
      await sleep(1000 + draw * (LONGEST_STOP_MS - 1000));
      worker.signal("SIGCONT");
      // It has a successor; it goes when it has done what it had begun.
      worker.signal("SIGTERM");
      await worker.ended;
    };
    return [wake()];
  },
  async restart(draw, { fleet }, { badExits }) {
    const worker = await fleet.take(draw);
    const leave = async (): Promise<void> => {
      worker.signal("SIGTERM");
      const { code } = await worker.ended;
      if (code !== 0) badExits.push(code);
    };
    return [leave()];
  },
  async redisKill(draw, { system, redis }, { recoveries }) {
    await redis.stop("SIGKILL");
    await sleep(draw * LONGEST_OUTAGE_MS);
    await redis.start();
    recoveries.redisKill.push(await untilProgress(system));
    return [];
  },
  async partition(_, { system, proxy, partitionMs }, { recoveries }) {
    proxy.partition();
    await sleep(partitionMs);
    proxy.heal();
    recoveries.partition.push(await untilProgress(system));
    return [];
  },
  async storm(draw, { provider }) {
    provider.setStorm(true);
    const calm = async (): Promise<void> => {
      await sleep(1000 + draw * (LONGEST_STORM_MS - 1000));
      provider.setStorm(false);
    };
    return [Promise.resolve(calm())];
  },
};

let probes = 0;

/** How long a job takes from now on that somebody waits for, with its enqueueing, ms. */
async function untilProgress({ producer, accept }: FaultSystem): Promise<number> {
  const startedMs = performance.now();
  const id = `probe-${++probes}`;
  await untilEnqueued(async () => await producer.enqueue({ ...tweet(id), urgency: "reply" }));
  accept([id]);
  if ((await producer.result(id, { waitMs: 120_000 })) === null) throw new Error(`${id} did not end`);
  return performance.now() - startedMs;
}

/** Redis may still be away. */
async function untilEnqueued(enqueue: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await enqueue();
      return;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      await sleep(50);
    }
  }
}
