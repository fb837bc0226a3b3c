import { createHash } from "node:crypto";
import type { Agent } from "../agents/agent.ts";

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

export function laneOf({ chain }: Pick<Agent, "chain">): Lane {
  return {
    name: chain.map(({ provider, model }) => `${provider}~${encode(model)}`).join(">"),
    chain: chain.map(({ provider, model }) => `${provider}/${model}`).join(" > "),
  };
}

/** @param chain as in `Lane.chain` */
export function providersOf(chain: string): string[] {
  return chain.split(" > ").map((member) => member.slice(0, member.indexOf("/")));
}

/** BullMQ refuses `:` in queue names, and `{}` would move the lane to another cluster slot (`ft:…`, `llama3:8b`). */
function encode(model: string): string {
  return encodeURIComponent(model);
}

/** BullMQ's key prefix: each lane has a hash tag of its own, so that lanes spread over a cluster. */
export function lanePrefix(namespace: string, laneName: string): string {
  return `{${namespace}:${createHash("sha256").update(laneName).digest("hex").slice(0, 8)}}`;
}
