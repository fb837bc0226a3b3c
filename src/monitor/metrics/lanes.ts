import type { LaneState } from "../../queue/lane-states.ts";
import { laneTitle } from "../lane-title.ts";
import { gauge, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

export const laneMetrics: MetricGroup = async ({ lanes, now }) => {
  const ofLanes = (value: (state: LaneState) => number): Value[] =>
    lanes.map((state) => [{ lane: laneTitle(state.lane) }, value(state)]);
  return [
    gauge("puppet_lane_jobs", "Jobs in a lane by state.", lanes.flatMap(jobsByState)),
    gauge(
      "puppet_lane_oldest_seconds",
      "Age of the job that waits longest in a lane; 0 when none waits.",
      ofLanes(({ oldestAt }) => (oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000)),
    ),
    gauge(
      "puppet_lane_paused",
      "1: an operator has paused the lane, or all that it could call.",
      ofLanes(({ isPaused }) => (isPaused ? 1 : 0)),
    ),
  ];
};

function jobsByState({ lane, counts }: LaneState): Value[] {
  return Object.entries(counts).map(([state, count]) => [{ lane: laneTitle(lane), state }, count]);
}
