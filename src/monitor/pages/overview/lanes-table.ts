import { html, type Html } from "../../../platform/html.ts";
import { duration } from "../../../platform/numbers.ts";
import { isSpecialLane } from "../../../queue/lane.ts";
import type { LaneState } from "../../../queue/lane-states.ts";
import { laneTitle } from "../../lane-title.ts";
import { button, count, type Column } from "../parts.ts";
import { rateOf, stateOf } from "./group-words.ts";
import type { Here } from "../here.ts";
import { groupsOf, laneStanding, stateOfLane, STANDINGS } from "./lane-words.ts";
import { longTable } from "./long-list.ts";
import type { Overview } from "./read-overview.ts";

const MOST_LANES = 60;

/** Every lane with what waits in it and how those are that it calls; those that want a look first. */
export function lanesTable(overview: Overview, here: Here): Html {
  return longTable<LaneState>({
    caption: "Lanes: jobs with the same chain of models",
    // Special lanes are there when something is in them.
    rows: inOrder(overview.lanes.filter(({ lane, counts }) => !isSpecialLane(lane.name) || isBusy(counts))),
    empty: "No lane yet: a producer that enqueues a job opens one.",
    columns: columns(overview, here),
    ...{ noun: "lane", most: MOST_LANES, isIdle: (lane) => laneStanding(lane) === "idle" },
    elsewhere: html`all lanes are in <a href="/board">Bull Board</a>`,
  });
}

function isBusy({ waiting, active, delayed }: LaneState["counts"]): boolean {
  return waiting + active + delayed > 0;
}

function inOrder(lanes: readonly LaneState[]): LaneState[] {
  return [...lanes].sort((a, b) => place(a) - place(b) || (laneTitle(a.lane) < laneTitle(b.lane) ? -1 : 1));
}

function place(lane: LaneState): number {
  return STANDINGS.indexOf(laneStanding(lane));
}

function columns(overview: Overview, { role, now, from }: Here): Column<LaneState>[] {
  const isPaused = ({ lane }: LaneState): boolean =>
    overview.pauses.some((pause) => pause.what === "lane" && pause.name === lane.name);
  return [
    { head: "Lane", isLong: true, cell: ({ lane }) => linkTo(lane) },
    { head: "State", cell: (lane) => stateOfLane(lane, overview) },
    { head: "Waiting", isNumber: true, cell: ({ counts }) => count(counts.waiting) },
    { head: "Oldest", isNumber: true, cell: ({ oldestAt }) => (oldestAt === null ? "" : duration(now - oldestAt)) },
    { head: "In work", isNumber: true, cell: ({ counts }) => count(counts.active) },
    { head: "Delayed", isNumber: true, cell: ({ counts }) => count(counts.delayed) },
    { head: "Failed", isNumber: true, cell: ({ counts }) => count(counts.failed) },
    { head: "Calls a minute, of the limit", cell: (lane) => members(lane, overview, now) },
    {
      head: "",
      cell: (lane) => {
        if (isSpecialLane(lane.lane.name)) return "";
        const fields = { lane: lane.lane.name, from };
        const about = laneTitle(lane.lane);
        if (isPaused(lane)) return button(role, { action: "/resume", label: "Resume", about, fields });
        return button(role, { action: "/pause", label: "Pause", about, fields });
      },
    },
  ];
}

/** Its jobs are in Bull Board. */
function linkTo(lane: LaneState["lane"]): Html {
  return html`<a href="/board/queue/${encodeURIComponent(lane.name)}">${laneTitle(lane)}</a>`;
}

/** Those that the lane calls, in their order: a model may have several keys. */
function members(lane: LaneState, overview: Overview, now: number): Html {
  const found = groupsOf(lane.lane, overview.groups);
  if (found.length === 0) return html``;
  return html`<div class="members">
    ${found.map(
      (group) => html`<div>${stateOf(group, overview, now)} ${rateOf(group)} <span>${group.provider}</span></div>`,
    )}
  </div>`;
}
