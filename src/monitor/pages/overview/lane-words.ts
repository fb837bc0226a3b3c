import type { Html } from "../../../platform/html.ts";
import { isSpecialLane, providersOf, type Lane } from "../../../queue/lane.ts";
import type { LaneState } from "../../../queue/lane-states.ts";
import type { GroupHealth } from "../../../storage/health-report.ts";
import { state } from "../parts.ts";
import { whyNoCall } from "./group-words.ts";
import { whatStandsInTheWay } from "./obstacles.ts";
import type { Overview } from "./read-overview.ts";

/** In the order in which they want a look. `held`: there are jobs, and each of them is put off. */
export const STANDINGS = ["paused", "held", "waiting", "working", "failed", "idle"] as const;
type Standing = (typeof STANDINGS)[number];

export function laneStanding({ isPaused, counts }: LaneState): Standing {
  if (isPaused) return "paused";
  if (counts.active > 0) return "working";
  if (counts.delayed > 0) return "held";
  if (counts.waiting > 0) return "waiting";
  return counts.failed > 0 ? "failed" : "idle";
}

export function stateOfLane(lane: LaneState, overview: Overview): Html {
  const standing = laneStanding(lane);
  switch (standing) {
    case "paused":
      return state("warn", lane.operatorPauses.length > 0 ? "paused by an operator" : "paused");
    case "held":
      return state("warn", `held: ${whyHeld(lane.lane, overview)}`);
    case "waiting":
      return state("warn", "waiting");
    case "working":
      return state("good", "working");
    // What has failed is over: nothing is at work, and nothing waits.
    case "failed":
    case "idle":
      return state("idle", "idle");
    default:
      return standing satisfies never;
  }
}

/** What keeps all that the lane could call; a lane with somebody left to call waits for a slot, or to try again. */
function whyHeld(lane: Lane, overview: Overview): string {
  if (isSpecialLane(lane.name)) return "for its turn, or a retry";
  const reasons = lane.chain.split(" > ").map((member) => whyMember(member, overview));
  const known = reasons.filter((reason) => reason !== null);
  return known.length < reasons.length ? "for a limit, or a retry" : [...new Set(known)].join("; ");
}

function whyMember(member: string, overview: Overview): string | null {
  const [provider = ""] = providersOf(member);
  const groups = groupsOfMember(member, overview.groups);
  if (groups.length === 0) {
    const obstacle = whatStandsInTheWay({ name: member, provider }, overview);
    return obstacle === null ? null : `${provider}: ${obstacle.words}`;
  }
  const reasons = groups.map((group) => whyNoCall(group, overview));
  return reasons.includes(null) ? null : (reasons[0] ?? null);
}

/** Those that the lane calls, in their order: a model may have several keys. */
export function groupsOf({ chain }: Lane, groups: readonly GroupHealth[]): GroupHealth[] {
  return [...new Set(chain.split(" > ").flatMap((member) => groupsOfMember(member, groups)))];
}

/** A group may be kept by model and key, by one of them, or for a whole provider: see `limitGroups`. */
function groupsOfMember(member: string, groups: readonly GroupHealth[]): GroupHealth[] {
  const [provider] = providersOf(member);
  return groups.filter(({ name }) => {
    const [head] = name.split("#");
    return head === member || head === provider;
  });
}
