import { controlKeys } from "../admission/keys.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { providersOf, isSpecialLane, readLanes, type Lane } from "./lane.ts";

/** What an operator can stop: everything, one provider, or one lane. */
export type PauseTarget =
  | { readonly what: "all" }
  | { readonly what: "provider"; readonly name: string }
  | { readonly what: "lane"; readonly name: string };

/** A pause that is in force. */
export type OperatorPause = PauseTarget & { readonly sinceAt: number };

interface PauseOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
}

const pauseScript = loadLuaScript(new URL("../admission/scripts/pause.lua", import.meta.url));

/**
 * No call begins from now on; those under way end. Lanes that can call nobody any more stand still, the others use their
 * fall-backs. @returns false: it was paused already
 */
export async function pauseTarget(target: PauseTarget, options: PauseOptions): Promise<boolean> {
  const changed = await tell("pause", target, options);
  const paused = await readOperatorPauses(options.redis, options.namespace);
  for (const lane of await lanesOf(options)) {
    if (standsStill(lane, paused)) await stopLane(lane.name, options);
  }
  return changed;
}

/** Resuming `all` ends every pause, those of single providers and lanes as well. @returns false: it was not paused */
export async function resumeTarget(target: PauseTarget, options: PauseOptions): Promise<boolean> {
  const changed = await tell("resume", target, options);
  await startLanes(options);
  return changed;
}

/** Noted first, so that whoever resumes knows of it even if we end in between. */
async function stopLane(name: string, { redis, namespace, queues }: PauseOptions): Promise<void> {
  await redis.sadd(controlKeys(namespace).pausedLanes, name);
  await queues.get(name).pause();
}

/** Lanes that we have stopped and that can call somebody again; not those that somebody has paused in Bull Board. */
async function startLanes(options: PauseOptions): Promise<void> {
  const { redis, namespace, queues } = options;
  const { pausedLanes } = controlKeys(namespace);
  const paused = await readOperatorPauses(redis, namespace);
  const stopped = new Set(await redis.smembers(pausedLanes));
  for (const lane of await lanesOf(options)) {
    if (!stopped.has(lane.name) || standsStill(lane, paused)) continue;
    await queues.get(lane.name).resume();
    await redis.srem(pausedLanes, lane.name);
  }
}

/**
 * Stops a lane whose job was told that an operator has paused what it needs.
 * @returns false: the lane as a whole can go on, or can again
 */
export async function stopPausedLane(name: string, options: PauseOptions): Promise<boolean> {
  const { redis, namespace } = options;
  if (!(await isLanePaused(redis, namespace, name))) return false;
  await stopLane(name, options);
  // It may have been resumed meanwhile, by somebody who took it from the list before we stopped it. It stays on the list:
  // taking it off could come after the next pause.
  if (!(await isLanePaused(redis, namespace, name))) await options.queues.get(name).resume();
  return true;
}

async function lanesOf({ redis, namespace }: PauseOptions): Promise<Lane[]> {
  return (await readLanes(redis, namespace)).filter(({ name }) => !isSpecialLane(name));
}

async function tell(
  word: "pause" | "resume",
  target: PauseTarget,
  { redis, namespace }: PauseOptions,
): Promise<boolean> {
  const keys = controlKeys(namespace);
  const reply = await pauseScript.run(redis, [keys.operatorPauses], [word, fieldOf(target), keys.epochsChannel]);
  return reply === 1;
}

/** Whether a lane can call nobody because of these pauses. */
export function standsStill({ name, chain }: Lane, paused: readonly OperatorPause[]): boolean {
  const isPaused = (what: PauseTarget["what"], which: string): boolean =>
    paused.some((pause) => pause.what === what && (pause.what === "all" || pause.name === which));
  return isPaused("all", "") || isPaused("lane", name) || providersOf(chain).every((id) => isPaused("provider", id));
}

export async function readOperatorPauses(redis: RedisClient, namespace: string): Promise<OperatorPause[]> {
  const fields = await redis.hgetall(controlKeys(namespace).operatorPauses);
  return Object.entries(fields).map(([field, sinceAt]): OperatorPause => ({
    ...targetOf(field),
    sinceAt: Number(sinceAt),
  }));
}

/** Whether a lane can call nobody because of what operators have paused. */
export async function isLanePaused(redis: RedisClient, namespace: string, laneName: string): Promise<boolean> {
  const lane = (await readLanes(redis, namespace)).find(({ name }) => name === laneName);
  return lane !== undefined && standsStill(lane, await readOperatorPauses(redis, namespace));
}

function fieldOf(target: PauseTarget): string {
  return target.what === "all" ? "all" : `${target.what}:${target.name}`;
}

function targetOf(field: string): PauseTarget {
  if (field === "all") return { what: "all" };
  const colon = field.indexOf(":");
  const name = field.slice(colon + 1);
  return field.startsWith("lane:") ? { what: "lane", name } : { what: "provider", name };
}
