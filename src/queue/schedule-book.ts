import { isJobKnown } from "../admission/claims.ts";
import type { Agent } from "../agents/agent.ts";
import type { TerminalStatus } from "../job/generation-result.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { ON_TIME_MS } from "../schedules/due-slots.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { nextSlot } from "../schedules/slots.ts";
import type { ResultReader } from "../storage/result-reader.ts";
import {
  createScheduleStore,
  storedScheduleOf,
  type ScheduleEntry,
  type SchedulePlace,
  type ScheduleStore,
} from "./schedule-store.ts";

export interface ScheduleChange {
  readonly agentId: string;
  readonly change: "added" | "changed" | "removed" | "unchanged";
  /** `null` of those that are removed. */
  readonly schedule: Schedule | null;
}

/** One schedule, as `list` tells it. Times in epoch ms. */
export interface ScheduleStatus {
  readonly agentId: string;
  /** `null`: what stands in Redis cannot be read. Sync it again. */
  readonly schedule: Schedule | null;
  readonly syncedAt: number | null;
  /** The next slots, in order; none when it is disabled. */
  readonly nextAt: readonly number[];
  /** A slot that nobody deals with, although it is due: no worker runs that looks after schedules. */
  readonly overdueAt: number | null;
  /** The newest slot that became a job. */
  readonly lastAt: number | null;
  readonly lastJobId: string | null;
  /** `waiting`: it has no result yet. `forgotten`: it is no longer kept. */
  readonly lastStatus: TerminalStatus | "waiting" | "forgotten" | null;
  /** How many slots became jobs. */
  readonly posts: number;
}

/** The schedules of a namespace: those that were synced, whoever did it. */
export interface Schedules {
  /**
   * Makes them those of this producer's agents: adds, changes, and removes what is gone. A schedule whose times have
   * changed begins anew; otherwise it goes on from where it was.
   * @throws RedisUnavailableError
   */
  sync(options?: { readonly dryRun?: boolean }): Promise<ScheduleChange[]>;
  /** By agent. `next`: how many slots ahead; default 1. @throws RedisUnavailableError */
  list(options?: { readonly next?: number }): Promise<ScheduleStatus[]>;
  /** @returns false: the agent has none @throws RedisUnavailableError */
  remove(agentId: string): Promise<boolean>;
}

export interface ScheduleBookOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly agents: ReadonlyMap<string, Agent>;
  /** Of these agents. */
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly clock: Clock;
  readonly results: Pick<ResultReader, "read">;
}

export function createScheduleBook(options: ScheduleBookOptions): Schedules {
  const { redis, namespace, clock } = options;
  const store = createScheduleStore(redis, namespace);
  return {
    sync: async ({ dryRun = false } = {}) => await syncAll(store, options, dryRun),
    async list({ next = 1 } = {}) {
      const now = clock.now();
      const entries = [...(await store.readAll())];
      return await Promise.all(
        entries.map(async ([agentId, entry]): Promise<ScheduleStatus> => {
          const lastStatus = await lastStatusOf(entry.state.lastJobId, options);
          return { agentId, ...statusOf(entry, now, next), lastStatus };
        }),
      );
    },
    remove: async (agentId) => await store.remove(agentId),
  };
}

async function syncAll(
  store: ScheduleStore,
  { agents, schedules, clock }: ScheduleBookOptions,
  dryRun: boolean,
): Promise<ScheduleChange[]> {
  const before = await store.readAll();
  const changes: ScheduleChange[] = [];
  for (const [agentId, schedule] of schedules) {
    const agent = agents.get(agentId);
    if (agent === undefined) continue;
    const known = before.get(agentId);
    const stored = storedScheduleOf(schedule, agent, clock.now());
    const isSame = known?.stored?.version === stored.version;
    changes.push({ agentId, change: isSame ? "unchanged" : known === undefined ? "added" : "changed", schedule });
    // What is unchanged is written, too: its next time is there again should somebody have deleted it.
    if (!dryRun) await store.write(stored, placeOf(known, schedule, clock.now()));
  }
  for (const agentId of before.keys()) {
    if (schedules.has(agentId)) continue;
    changes.push({ agentId, change: "removed", schedule: null });
    if (!dryRun) await store.remove(agentId);
  }
  return changes.sort((a, b) => (a.agentId < b.agentId ? -1 : 1));
}

/** Slots that a schedule would have had under other times, or while it was off, were not missed: it begins anew. */
function placeOf(known: ScheduleEntry | undefined, schedule: Schedule, now: number): SchedulePlace {
  const earlier = known?.stored?.schedule;
  const isSame = earlier?.enabled === true && JSON.stringify(earlier.timing) === JSON.stringify(schedule.timing);
  if (known !== undefined && isSame) return { lastSlotAt: known.state.lastSlotAt, isNew: false };
  // Slots are whole seconds.
  return { lastSlotAt: Math.floor(now / 1000) * 1000, isNew: true };
}

function statusOf(
  { stored, state }: ScheduleEntry,
  now: number,
  next: number,
): Omit<ScheduleStatus, "agentId" | "lastStatus"> {
  const { lastFiredAt: lastAt, lastJobId, posts, lastSlotAt } = state;
  const schedule = stored?.schedule ?? null;
  const common = { schedule, syncedAt: stored?.syncedAt ?? null, lastAt, lastJobId, posts };
  if (schedule?.enabled !== true) return { ...common, nextAt: [], overdueAt: null };
  const dueAt = nextSlot(schedule, lastSlotAt);
  const overdueAt = dueAt !== null && dueAt < now - ON_TIME_MS ? dueAt : null;
  return { ...common, nextAt: upcoming(schedule, { afterAt: lastSlotAt, now, count: next }), overdueAt };
}

interface Upcoming {
  readonly afterAt: number;
  readonly now: number;
  readonly count: number;
}

function upcoming(schedule: Schedule, { afterAt, now, count }: Upcoming): number[] {
  const slots: number[] = [];
  // The slots of a frequency follow from each other, those of a cron expression do not.
  let slotAt = nextSlot(schedule, schedule.timing.type === "cron" ? Math.max(afterAt, now) : afterAt);
  while (slotAt !== null && slots.length < count) {
    if (slotAt > now) slots.push(slotAt);
    slotAt = nextSlot(schedule, slotAt);
  }
  return slots;
}

async function lastStatusOf(
  jobId: string | null,
  { redis, namespace, results }: ScheduleBookOptions,
): Promise<ScheduleStatus["lastStatus"]> {
  if (jobId === null) return null;
  const result = await results.read(jobId);
  if (result !== null) return result.status;
  return (await isJobKnown(redis, namespace, jobId)) ? "waiting" : "forgotten";
}
