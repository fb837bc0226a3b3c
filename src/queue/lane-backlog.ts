import type { JobType } from "bullmq";
import type { RedisClient } from "../platform/redis-client.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { isSpecialLane, readLanes, type Lane } from "./lane.ts";
import { readOperatorPauses, standsStill } from "./operator-pauses.ts";

/** A lane in which jobs wait that a worker could take. */
export interface LaneBacklog {
  /** Its chain; of a lane without one its name. */
  readonly title: string;
  /** Jobs that could be taken; not those that are delayed until later. */
  readonly ready: number;
  /** Since when the one that is next has been there, epoch ms. */
  readonly oldestAt: number;
  /** When a job was last taken or ended, epoch ms; `null`: never, or nobody remembers. */
  readonly movedAt: number | null;
  /** An operator holds it, or somebody in Bull Board. */
  readonly isPaused: boolean;
}

export interface BacklogOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
}

/** All lanes with such jobs. @param now epoch ms */
export async function readBacklogs(options: BacklogOptions, now: number): Promise<LaneBacklog[]> {
  const { redis, namespace } = options;
  const [lanes, paused] = await Promise.all([readLanes(redis, namespace), readOperatorPauses(redis, namespace)]);
  const backlogs = lanes.map(async (lane): Promise<LaneBacklog[]> => {
    const queue = options.queues.get(lane.name);
    const { waiting = 0, prioritized = 0 } = await queue.getJobCounts(...READY);
    // Workers move those whose time has come; where none looks, nobody does.
    const overdue = await queue.getDelayedCount(now - OVERDUE_MS);
    const ready = waiting + prioritized + overdue;
    if (ready === 0) return [];
    const [oldestAt, movedAt, isQueuePaused] = await Promise.all([
      readOldest(lane, overdue > 0 ? [...READY, "delayed"] : READY, options),
      readMovement(lane, options),
      queue.isPaused(),
    ]);
    const isSpecial = isSpecialLane(lane.name);
    const isPaused = isQueuePaused || (!isSpecial && standsStill(lane, paused));
    return [{ title: isSpecial ? lane.name : lane.chain, ready, oldestAt: oldestAt ?? now, movedAt, isPaused }];
  });
  return (await Promise.all(backlogs)).flat();
}

const READY = ["waiting", "prioritized"] as const satisfies JobType[];
const OVERDUE_MS = 60_000;

/** When the one that is next was enqueued: of each state the first. */
async function readOldest(
  { name }: Lane,
  states: readonly JobType[],
  { queues }: BacklogOptions,
): Promise<number | null> {
  const jobs = await queues.get(name).getJobs([...states], 0, 0, true);
  const times = jobs.map(({ timestamp }) => timestamp);
  return times.length === 0 ? null : Math.min(...times);
}

/** Every job that is added writes two. */
const LATEST_EVENTS = 200;
const MOVES = new Set(["active", "completed", "failed"]);

/**
 * The queue's latest events tell when a job was taken, the finished ones when one ended: those while jobs are added faster
 * than anything else happens.
 */
async function readMovement({ name }: Lane, { redis, queues }: BacklogOptions): Promise<number | null> {
  const queue = queues.get(name);
  const [events, ...finished] = await Promise.all([
    redis.xrevrange(queue.toKey("events"), "+", "-", "COUNT", LATEST_EVENTS),
    redis.zrevrange(queue.toKey("completed"), 0, 0, "WITHSCORES"),
    redis.zrevrange(queue.toKey("failed"), 0, 0, "WITHSCORES"),
  ]);
  const move = events.find(([, [, event = ""]]) => MOVES.has(event));
  const times = [
    ...(move === undefined ? [] : [Number.parseInt(move[0], 10)]),
    ...finished.flatMap(([, at]) => (at === undefined ? [] : [Number(at)])),
  ];
  return times.length === 0 ? null : Math.max(...times);
}
