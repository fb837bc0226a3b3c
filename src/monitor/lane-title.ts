import { QUARANTINE, type Lane } from "../queue/lane.ts";

/** What people call a lane: its chain, e.g. `openai/gpt-6-luna > grok/grok-4.7`. The quarantine has none. */
export function laneTitle({ name, chain }: Lane): string {
  return name === QUARANTINE.name ? name : chain;
}
