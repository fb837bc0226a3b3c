import type { ScheduleChange, ScheduleStatus } from "../queue/schedule-book.ts";
import { describeTiming } from "../schedules/describe.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { nextSlot } from "../schedules/slots.ts";
import { localTime } from "../schedules/time-zone.ts";
import { alignedTable } from "./aligned-table.ts";
import { roundedDuration } from "../platform/numbers.ts";

const GAPS = { text: 2, number: 2 };

/** What `schedule sync` did. */
export function changesTable(changes: readonly ScheduleChange[], now: number): string {
  if (changes.length === 0) return "no agent has a schedule, and none is stored";
  const rows = changes.map(({ agentId, change, schedule }) => ({
    ...{ agentId, change },
    when: schedule === null ? "" : describeTiming(schedule.timing),
    topics: schedule === null ? "" : String(schedule.topics.length),
    next: schedule === null ? "" : firstOf(schedule, change === "unchanged", now),
  }));
  const counts = (["added", "changed", "removed", "unchanged"] as const).map(
    (kind) => `${changes.filter(({ change }) => change === kind).length} ${kind}`,
  );
  const table = alignedTable(
    rows,
    [
      { head: "agent", cell: ({ agentId }) => agentId },
      { head: "change", cell: ({ change }) => change },
      { head: "when", mayBeCut: true, cell: ({ when }) => when },
      { head: "topics", isNumber: true, cell: ({ topics }) => topics },
      { head: "next", cell: ({ next }) => next },
    ],
    GAPS,
  );
  return `${table}\n${counts.join(", ")}`;
}

/** Where the slots of a frequency have come to is known to `list` only. */
function firstOf({ timing, enabled, ...schedule }: Schedule, goesOn: boolean, now: number): string {
  if (!enabled) return "disabled";
  if (timing.type === "frequency" && goesOn) return "";
  const at = nextSlot({ ...schedule, timing }, Math.floor(now / 1000) * 1000);
  return at === null ? "never" : localTime(timing.timezone, at);
}

/** What `schedule list` shows: a line for each schedule, and below it the times after the next, if there are any. */
export function scheduleTable(schedules: readonly ScheduleStatus[], now: number): string {
  if (schedules.length === 0) return "there is no schedule; see `puppet-engine schedule sync`";
  return alignedTable(
    schedules.flatMap((status) => rowsOf(status, now)),
    [
      { head: "agent", cell: ({ agentId }) => agentId },
      { head: "when", mayBeCut: true, cell: ({ when }) => when },
      { head: "next", cell: ({ next }) => next },
      { head: "last", cell: ({ last }) => last },
      { head: "result", cell: ({ result }) => result },
      { head: "topics", isNumber: true, cell: ({ topics }) => topics },
    ],
    GAPS,
  );
}

interface ScheduleRow {
  readonly agentId: string;
  readonly when: string;
  readonly next: string;
  readonly last: string;
  readonly result: string;
  readonly topics: string;
}

function rowsOf(status: ScheduleStatus, now: number): ScheduleRow[] {
  const { agentId, schedule, nextAt, lastAt, lastStatus, posts } = status;
  const empty = { agentId: "", when: "", last: "", result: "", topics: "" };
  if (schedule === null) return [{ ...empty, agentId, when: "cannot be read: sync it again", next: "" }];
  const { timing, topics } = schedule;
  const [first, ...others] = nextAt;
  const head = {
    ...{ agentId, when: describeTiming(timing), next: nextOf(status, first, now) },
    last: lastAt === null ? "never" : localTime(timing.timezone, lastAt),
    result: lastStatus ?? "",
    topics: topics.length === 0 ? "" : `${posts === 0 ? 0 : ((posts - 1) % topics.length) + 1}/${topics.length}`,
  };
  return [head, ...others.map((at) => ({ ...empty, next: showNext(timing.timezone, at, now) }))];
}

function nextOf({ schedule, overdueAt }: ScheduleStatus, first: number | undefined, now: number): string {
  if (schedule?.enabled === false) return "disabled";
  if (overdueAt !== null) return `overdue for ${roundedDuration(now - overdueAt)}`;
  return first === undefined || schedule === null ? "never" : showNext(schedule.timing.timezone, first, now);
}

function showNext(timezone: string, at: number, now: number): string {
  return `${localTime(timezone, at)} (in ${roundedDuration(at - now)})`;
}
