import { describeTiming } from "../schedules/describe.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { nextSlot } from "../schedules/slots.ts";
import { localTime } from "../schedules/time-zone.ts";
import type { Finding } from "./finding.ts";

/** What is in the agents' files. Whether it was synced is not looked at: that would be another machine's business. */
export function describeSchedules(schedules: ReadonlyMap<string, Schedule>, now: number): Finding[] {
  return [...schedules].map(([agentId, schedule]): Finding => {
    const { timing, topics, enabled } = schedule;
    const about = topics.length === 0 ? "no topics of its own" : `${topics.length} topics`;
    const text = `${agentId}: ${describeTiming(timing)}; ${about}; ${enabled ? nextOf(schedule, now) : "disabled"}`;
    return { level: "ok", area: "schedules", text };
  });
}

/** The slots of a frequency count from when it was synced. */
function nextOf(schedule: Schedule, now: number): string {
  if (schedule.timing.type === "frequency") return "see schedule list for the next post";
  const at = nextSlot(schedule, now);
  return at === null ? "never" : `next ${localTime(schedule.timing.timezone, at)}`;
}
