import { createHash } from "node:crypto";
import { controlKeys } from "../admission/keys.ts";
import type { Agent } from "../agents/agent.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** All jobs whose agents have the same chain share a lane: one BullMQ queue. */
export interface Lane {
  /** The queue's name, e.g. `openai~gpt-6-luna>grok~grok-4.7`. */
  readonly name: string;
  /** The chain as people read it, e.g. `openai/gpt-6-luna > grok/grok-4.7`. */
  readonly chain: string;
}

/**
 * Jobs that were taken when their worker died in mid-call run here, one at a time: one that crashes its process does
 * not take its neighbours along.
 */
export const QUARANTINE: Lane = { name: "quarantine", chain: "jobs whose worker died in mid-call" };

/** Jobs that wait for a batch of their vendor's: workers file them, and call nobody for them. */
export const BATCH: Lane = { name: "batch", chain: "jobs for batch delivery" };

/** Lanes that belong to no chain. */
export function isSpecialLane(name: string): boolean {
  return name === QUARANTINE.name || name === BATCH.name;
}

export function laneOf({ chain }: Pick<Agent, "chain">): Lane {
  return {
    name: chain.map(({ provider, model }) => `${provider}~${encode(model)}`).join(">"),
    chain: chain.map(({ provider, model }) => `${provider}/${model}`).join(" > "),
  };
}

/** All lanes that a producer has used so far, and the quarantine. */
export async function readLanes(redis: RedisClient, namespace: string): Promise<Lane[]> {
  const lanes = await redis.hgetall(controlKeys(namespace).lanes);
  return [...Object.entries(lanes).map(([name, chain]) => ({ name, chain })), QUARANTINE];
}

/** @param chain as in `Lane.chain` */
export function providersOf(chain: string): string[] {
  return chain.split(" > ").map((member) => member.slice(0, member.indexOf("/")));
}

/**
 * `ft:gpt` becomes `ft=3agpt`. BullMQ refuses `:` in queue names, `{}` would move the lane to another cluster slot, and
 * a percent sign does not survive Bull Board's addresses.
 */
function encode(model: string): string {
  return model.replace(/[^A-Za-z0-9._-]/g, (character) => `=${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** BullMQ's key prefix: each lane has a hash tag of its own, so that lanes spread over a cluster. */
export function lanePrefix(namespace: string, laneName: string): string {
  return `{${namespace}:${createHash("sha256").update(laneName).digest("hex").slice(0, 8)}}`;
}
