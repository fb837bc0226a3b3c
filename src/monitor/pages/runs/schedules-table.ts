import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { duration } from "../../../platform/numbers.ts";
import type { ScheduleStatus } from "../../../queue/schedule-book.ts";
import { describeTiming } from "../../../schedules/describe.ts";
import { moment, state, table } from "../parts.ts";

/** Agents that post by themselves. */
export function schedulesTable(schedules: readonly ScheduleStatus[], now: number): Html {
  return table<ScheduleStatus>({
    caption: "Schedules",
    rows: schedules,
    empty: "No schedule is stored; puppet-engine schedule sync stores those of the agents' files.",
    columns: [
      {
        head: "Agent",
        cell: ({ agentId }) => html`<a href="/results?agent=${encodeURIComponent(agentId)}">${agentId}</a>`,
      },
      { head: "When", cell: ({ schedule }) => (schedule === null ? "" : describeTiming(schedule.timing)) },
      { head: "State", cell: (status) => stateCell(status, now) },
      { head: "Next", isNumber: true, cell: ({ nextAt: [next] }) => (next === undefined ? "" : moment(next, now)) },
      { head: "Last", isNumber: true, cell: ({ lastAt }) => (lastAt === null ? "" : moment(lastAt, now)) },
      { head: "Last post", cell: lastPost },
      { head: "Posts", isNumber: true, cell: ({ posts }) => String(posts) },
    ],
  });
}

function stateCell({ schedule, overdueAt }: ScheduleStatus, now: number): Html {
  if (schedule === null) return state("bad", "cannot be read: sync it again");
  if (!schedule.enabled) return state("idle", "disabled");
  if (overdueAt !== null) return state("bad", `overdue for ${duration(now - overdueAt)}: no worker looks after it`);
  return state("good", "on");
}

function lastPost({ lastJobId, lastStatus }: ScheduleStatus): Html {
  if (lastJobId === null) return NOTHING;
  return html`<a href="/results/${encodeURIComponent(lastJobId)}">${lastStatus ?? "waiting"}</a>`;
}
