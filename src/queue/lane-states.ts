import { readInOneTrip, type RedisClient } from "../platform/redis-client.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { isSpecialLane, providersOf, readLanes, type Lane } from "./lane.ts";
import { readOperatorPauses, standsStill, type OperatorPause } from "./operator-pauses.ts";

/** Jobs of a lane by state. `failed` ones are kept for a week, 10,000 at most. */
export interface LaneCounts {
  readonly waiting: number;
  readonly active: number;
  /** For a retry, for a slot in a limit, or until what they need is resumed. */
  readonly delayed: number;
  readonly failed: number;
}

/** What a lane looks like now. */
export interface LaneState {
  readonly lane: Lane;
  readonly counts: LaneCounts;
  /** Epoch ms at which the job that is next was enqueued; of replies and others the older one. `null`: none waits. */
  readonly oldestAt: number | null;
  /** Workers take no job of it: operators have paused what it needs, or somebody has paused it in Bull Board. */
  readonly isPaused: boolean;
  /** What operators have paused that it could call; with another provider left it goes on. */
  readonly operatorPauses: readonly OperatorPause[];
}

interface LaneStatesOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
}

/** The state of every lane, in three round trips however many lanes and jobs there are. No job is read. */
export async function readLaneStates({ redis, namespace, queues }: LaneStatesOptions): Promise<LaneState[]> {
  const [lanes, pauses] = await Promise.all([readLanes(redis, namespace), readOperatorPauses(redis, namespace)]);
  const keyOf = (lane: Lane, part: string): string => queues.get(lane.name).toKey(part);
  const looks = await readInOneTrip(redis, lanes, (pipeline, lane) => {
    for (const list of ["wait", "active"]) pipeline.llen(keyOf(lane, list));
    for (const set of ["prioritized", "delayed", "failed"]) pipeline.zcard(keyOf(lane, set));
    pipeline.hexists(keyOf(lane, "meta"), "paused");
    // Jobs are taken from this end of the list.
    pipeline.lindex(keyOf(lane, "wait"), "-1");
    pipeline.zrange(keyOf(lane, "prioritized"), "0", "0");
  });
  const next = lanes.map((lane, index) => ({ lane, ids: nextIds(looks[index] ?? []) }));
  const times = await readInOneTrip(redis, next, (pipeline, { lane, ids }) => {
    for (const id of ids) pipeline.hget(keyOf(lane, id), "timestamp");
  });
  return lanes.map((lane, index) => ({
    lane,
    ...stateOf(looks[index] ?? [], standsStill(lane, pauses)),
    oldestAt: oldestOf(times[index] ?? []),
    operatorPauses: pauses.filter((pause) => concerns(pause, lane)),
  }));
}

/** @param isHeld by operators; a lane that appeared since may not have heard of it */
function stateOf(replies: readonly unknown[], isHeld: boolean): Pick<LaneState, "counts" | "isPaused"> {
  const [wait = 0, active = 0, prioritized = 0, delayed = 0, failed = 0, paused = 0] = replies as number[];
  return { counts: { waiting: wait + prioritized, active, delayed, failed }, isPaused: isHeld || paused === 1 };
}

function nextIds(replies: readonly unknown[]): string[] {
  const [reply, others] = replies.slice(6) as [string | null, string[]];
  return [...(reply === null ? [] : [reply]), ...others];
}

/** A job may be gone meanwhile. */
function oldestOf(timestamps: readonly unknown[]): number | null {
  const times = timestamps.filter((time) => typeof time === "string").map(Number);
  return times.length === 0 ? null : Math.min(...times);
}

function concerns(pause: OperatorPause, { name, chain }: Lane): boolean {
  switch (pause.what) {
    case "all":
      return true;
    case "lane":
      return pause.name === name;
    case "provider":
      return !isSpecialLane(name) && providersOf(chain).includes(pause.name);
    default:
      return pause satisfies never;
  }
}
