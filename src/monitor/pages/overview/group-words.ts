import { duration, integer } from "../../../platform/numbers.ts";
import type { Html } from "../../../platform/html.ts";
import type { GroupHealth, LimitGroupState } from "../../../storage/health-report.ts";
import { state, type Health } from "../parts.ts";
import { whatStandsInTheWay } from "./obstacles.ts";
import type { Overview } from "./read-overview.ts";

const STATES: Readonly<Record<LimitGroupState, readonly [Health, string]>> = {
  ok: ["good", "ok"],
  "rate-limited": ["warn", "rate-limited"],
  paused: ["bad", "paused"],
  "circuit-open": ["bad", "breaker open"],
  probing: ["warn", "probing"],
  recovering: ["warn", "recovering"],
};

type Surroundings = Pick<Overview, "pausedKeys" | "budgets" | "pauses">;

/** `breaker open, 25 s more`. What keeps the whole provider from being called goes before a state that lets calls through. */
export function stateOf(group: GroupHealth, around: Surroundings, now: number): Html {
  const { state: current, why, untilAt } = group;
  const obstacle = current === "paused" ? null : whatStandsInTheWay(group, around);
  if (obstacle !== null) return state(obstacle.health, `${obstacle.words}${rest(obstacle.untilAt, now)}`);
  const [health, words] = STATES[current];
  const reason = current === "paused" && why !== null ? `: ${why}` : "";
  return state(health, `${words}${reason}${rest(untilAt, now)}`);
}

function rest(untilAt: number | null, now: number): string {
  return untilAt === null ? "" : `, ${duration(Math.max(0, untilAt - now))} more`;
}

/** Why no call of the group begins now; `null`: nothing is known that would keep one from it. */
export function whyNoCall(group: GroupHealth, around: Surroundings): string | null {
  const obstacle = whatStandsInTheWay(group, around);
  if (obstacle !== null) return `${group.provider}: ${obstacle.words}`;
  const [, words] = STATES[group.state];
  switch (group.state) {
    case "paused":
    case "rate-limited":
    case "circuit-open":
    case "probing":
      return `${group.provider}: ${words}${group.state === "paused" && group.why !== null ? `, ${group.why}` : ""}`;
    case "ok":
    case "recovering":
      return null;
    default:
      return group.state satisfies never;
  }
}

/** `412 / 500`, `~` before a limit that was worked out from refusals; without a known limit the rate alone. */
export function rateOf({ callsPerMinute, requestsPerMinute, limits }: GroupHealth): string {
  const rate = integer(Math.round(callsPerMinute));
  if (requestsPerMinute === null) return rate;
  const limit = requestsPerMinute < 1 ? requestsPerMinute.toPrecision(2) : integer(Math.floor(requestsPerMinute));
  return `${rate} / ${limits.isObserved ? "~" : ""}${limit}`;
}
