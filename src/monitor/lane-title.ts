import { isSpecialLane, type Lane } from "../queue/lane.ts";

/** What people call a lane: its chain, e.g. `openai/gpt-6-luna > grok/grok-4.7`. Special ones have none. */
export function laneTitle({ name, chain }: Lane): string {
  return isSpecialLane(name) ? name : chain;
}
