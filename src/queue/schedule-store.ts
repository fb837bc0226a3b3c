import { createHash } from "node:crypto";
import { z } from "zod";
import { snapshotOf } from "../admission/claims.ts";
import { controlKeys } from "../admission/keys.ts";
import type { Agent } from "../agents/agent.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { scheduleSchema, type Schedule } from "../schedules/schedule.ts";
import { nextSlot } from "../schedules/slots.ts";

/** A schedule as `sync` stored it, with the agent that its jobs run: workers need no agent files. */
export interface StoredSchedule {
  readonly schedule: Schedule;
  readonly agent: Agent;
  /** Hash of the two. */
  readonly version: string;
  readonly syncedAt: number;
}

/** How far a schedule has come. */
export interface ScheduleState {
  /** The newest slot that was dealt with, or when the schedule began. */
  readonly lastSlotAt: number;
  /** The newest slot that became a job. */
  readonly lastFiredAt: number | null;
  readonly lastJobId: string | null;
  /** How many slots became jobs: the number of the next topic. */
  readonly posts: number;
}

export interface ScheduleEntry {
  /** `null`: what stands in Redis is none. */
  readonly stored: StoredSchedule | null;
  readonly state: ScheduleState;
}

/** The schedules of a namespace in Redis. */
export interface ScheduleStore {
  /** @returns `undefined`: the agent has none */
  read(agentId: string): Promise<ScheduleEntry | undefined>;
  readAll(): Promise<Map<string, ScheduleEntry>>;
  write(stored: StoredSchedule, place: SchedulePlace): Promise<void>;
  /** @returns false: there was none */
  remove(agentId: string): Promise<boolean>;
  /** The agents that have a slot to deal with; nobody else gets them for a while. */
  take(options: TakeOptions): Promise<string[]>;
  record(slot: RecordedSlot): Promise<"recorded" | "known" | "gone">;
  /** Makes sure that a removed schedule is not taken again. */
  forget(agentId: string): Promise<void>;
}

/** Where a schedule goes on. */
export interface SchedulePlace {
  /** Slots until then are over. */
  readonly lastSlotAt: number;
  /** False: as it was read. It is not written then, because a worker may have got further meanwhile. */
  readonly isNew: boolean;
}

export interface TakeOptions {
  readonly now: number;
  readonly leaseMs: number;
  readonly most: number;
}

export interface RecordedSlot {
  readonly stored: Pick<StoredSchedule, "schedule" | "version">;
  readonly slotAt: number;
  /** `null`: the slot was left out. */
  readonly jobId: string | null;
  /** More slots of the agent are about to be recorded. */
  readonly goesOn?: boolean;
}

const takeScript = loadLuaScript(new URL("./scripts/schedules-take.lua", import.meta.url));
const recordScript = loadLuaScript(new URL("./scripts/schedule-record.lua", import.meta.url));

export function createScheduleStore(redis: RedisClient, namespace: string): ScheduleStore {
  const keys = controlKeys(namespace);
  const entryOf = async (agentId: string, json: string): Promise<ScheduleEntry> => {
    const stored = parseStored(json, agentId);
    return { stored, state: stateOf(await redis.hgetall(keys.schedule(agentId)), stored?.syncedAt ?? 0) };
  };
  return {
    async read(agentId) {
      const json = await redis.hget(keys.schedules, agentId);
      return json === null ? undefined : await entryOf(agentId, json);
    },
    async readAll() {
      const found = Object.entries(await redis.hgetall(keys.schedules)).sort(([a], [b]) => (a < b ? -1 : 1));
      const entries = found.map(async ([agentId, json]): Promise<[string, ScheduleEntry]> => {
        return [agentId, await entryOf(agentId, json)];
      });
      return new Map(await Promise.all(entries));
    },
    async write(stored, { lastSlotAt, isNew }) {
      const { agentId } = stored.schedule;
      const nextAt = nextTime(stored.schedule, lastSlotAt);
      const all = redis.multi().hset(keys.schedules, agentId, JSON.stringify(stored));
      all.hset(keys.schedule(agentId), { version: stored.version, ...(isNew ? { lastSlotAt } : {}) });
      await (
        nextAt === null ? all.zrem(keys.schedulesDue, agentId) : all.zadd(keys.schedulesDue, nextAt, agentId)
      ).exec();
    },
    async remove(agentId) {
      const all = redis.multi().hdel(keys.schedules, agentId).del(keys.schedule(agentId));
      const replies = await all.zrem(keys.schedulesDue, agentId).exec();
      return replies?.[0]?.[1] === 1;
    },
    take: async ({ now, leaseMs, most }) =>
      (await takeScript.run(redis, [keys.schedulesDue], [now, now + leaseMs, most])) as string[],
    async record({ stored: { schedule, version }, slotAt, jobId, goesOn = false }) {
      const { agentId } = schedule;
      const reply = await recordScript.run(
        redis,
        [keys.schedules, keys.schedule(agentId), keys.schedulesDue],
        [agentId, slotAt, jobId ?? "", goesOn ? "" : (nextTime(schedule, slotAt) ?? "never"), version],
      );
      return reply as "recorded" | "known" | "gone";
    },
    async forget(agentId) {
      const all = [keys.schedules, keys.schedule(agentId), keys.schedulesDue];
      await recordScript.run(redis, all, [agentId, 0, "", "", ""]);
    },
  };
}

function nextTime(schedule: Schedule, slotAt: number): number | null {
  return schedule.enabled ? nextSlot(schedule, slotAt) : null;
}

/** @param syncedAt epoch ms */
export function storedScheduleOf(schedule: Schedule, agent: Agent, syncedAt: number): StoredSchedule {
  const content = JSON.stringify([schedule, snapshotOf(agent).hash]);
  const version = createHash("sha256").update(content).digest("hex").slice(0, 32);
  return { schedule, agent, version, syncedAt };
}

/** The agent is taken as it is, like the snapshots of jobs. */
const storedSchema = z.object({
  schedule: scheduleSchema,
  agent: z.custom<Agent>((value) => typeof value === "object" && value !== null),
  version: z.string(),
  syncedAt: z.number(),
});

function parseStored(json: string, agentId: string): StoredSchedule | null {
  try {
    const stored = storedSchema.safeParse(JSON.parse(json)).data;
    return stored?.schedule.agentId === agentId ? stored : null;
  } catch {
    return null;
  }
}

function stateOf(fields: Readonly<Record<string, string>>, beganAt: number): ScheduleState {
  const { lastSlotAt = beganAt, lastFiredAt, lastJobId = null, posts = 0 } = fields;
  return {
    lastSlotAt: Number(lastSlotAt),
    lastFiredAt: lastFiredAt === undefined ? null : Number(lastFiredAt),
    lastJobId,
    posts: Number(posts),
  };
}
