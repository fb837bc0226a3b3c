import { createHash } from "node:crypto";
import type { JobInput } from "../job/generation-job.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { dueSlots } from "../schedules/due-slots.ts";
import type { Schedule, Topic } from "../schedules/schedule.ts";
import { topicAt } from "../schedules/topics.ts";
import { enqueueBatch } from "./enqueue-batch.ts";
import type { LaneQueues } from "./lane-queues.ts";
import type { ScheduleStore, StoredSchedule } from "./schedule-store.ts";

export interface TickContext {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly store: ScheduleStore;
  readonly queues: LaneQueues;
  readonly clock: Clock;
  readonly logger: Logger;
  /** As they are now, where this process knows better than what was synced. */
  readonly topicsOf: (stored: StoredSchedule) => Promise<readonly Topic[]>;
}

/**
 * Deals with the slots of an agent that are due. Several processes may do so at once, and again after a crash: the job's
 * id and content follow from the slot, so it is enqueued once, and a slot that is recorded is never looked at again.
 */
export async function tickAgent(agentId: string, context: TickContext): Promise<void> {
  const { store, clock, logger } = context;
  const entry = await store.read(agentId);
  if (entry === undefined) return await store.forget(agentId);
  const { stored, state } = entry;
  // A newer program may have written it, whose workers can read it.
  if (stored === null) return logger.error({ agent: agentId }, "its schedule cannot be read; sync it again");
  const { schedule } = stored;
  const { fire, untilAt } = dueSlots({ schedule, lastSlotAt: state.lastSlotAt, now: clock.now() });
  const topics = fire.length === 0 ? [] : await context.topicsOf(stored);
  for (const [index, slotAt] of fire.entries()) {
    const topic = topicAt(topics, state.posts + index, agentId);
    const jobId = await enqueueSlot({ stored, slotAt, topic }, context);
    const reply = await store.record({ stored, slotAt, jobId, goesOn: true });
    if (reply === "gone") return;
    if (reply === "recorded")
      logger.info({ agent: agentId, jobId, lateMs: clock.now() - slotAt }, "scheduled post enqueued");
  }
  await store.record({ stored, slotAt: untilAt, jobId: null });
}

interface Slot {
  readonly stored: StoredSchedule;
  readonly slotAt: number;
  readonly topic: Topic;
}

/** @returns the job's id; `null`: there can be no such job */
async function enqueueSlot({ stored, slotAt, topic }: Slot, context: TickContext): Promise<string | null> {
  const { schedule, agent } = stored;
  const input = jobOf(schedule, slotAt, topic);
  const [outcome] = await enqueueBatch([input], {
    ...context,
    agents: new Map([[agent.id, agent]]),
    defaultAgent: agent,
    newId: () => slotJobId(schedule.agentId, slotAt),
    defaultUrgency: "scheduled",
    storedSnapshots: new Map(),
  });
  if (outcome?.accepted === true) return outcome.job.id;
  const { agentId } = schedule;
  const isConflict = outcome?.error.name === "JobConflictError";
  if (isConflict) context.logger.warn({ agent: agentId, slotAt }, "the slot has a job with another topic already");
  else context.logger.error({ agent: agentId, slotAt, err: outcome?.error.message }, "the slot cannot become a job");
  return isConflict ? slotJobId(agentId, slotAt) : null;
}

function jobOf({ agentId, kind, deadlineMs, delivery }: Schedule, slotAt: number, topic: Topic): JobInput {
  return {
    kind,
    agent: agentId,
    id: slotJobId(agentId, slotAt),
    context: topic,
    ...(deadlineMs === null ? {} : { deadline: slotAt + deadlineMs }),
    ...(delivery === "live" ? {} : { delivery }),
  };
}

/** An id of a job has 128 characters at most, like that of an agent. */
const LONGEST_NAME = 100;

/** `s_<agent>_<epoch seconds>` */
export function slotJobId(agentId: string, slotAt: number): string {
  const hash = (): string => createHash("sha256").update(agentId).digest("hex").slice(0, 16);
  const name = agentId.length <= LONGEST_NAME ? agentId : `${agentId.slice(0, LONGEST_NAME - 17)}-${hash()}`;
  return `s_${name}_${Math.floor(slotAt / 1000)}`;
}
