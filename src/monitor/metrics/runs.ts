import { BatchStore } from "../../batch/batch-store.ts";
import type { BatchState } from "../../job/batch-record.ts";
import type { RunState } from "../../job/bulk-run.ts";
import { countOverdueSchedules } from "../../storage/schedule-report.ts";
import { countRuns } from "../../storage/run-book.ts";
import { gauge, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

/** Of batches under way: those that have ended have none of these. */
const BATCH_STATES: readonly BatchState[] = ["forming", "submitting", "submitted", "collecting"];
const RUN_STATES: readonly RunState[] = ["running", "paused", "cancelled", "done"];

/** What takes longer than a job. */
export const runMetrics: MetricGroup = async ({ redis, namespace, now }) => {
  const [batches, runs, overdue] = await Promise.all([
    new BatchStore(redis, namespace).underWay(),
    countRuns(redis, namespace),
    countOverdueSchedules(redis, namespace, now),
  ]);
  const batchesIn = (state: BatchState): number => batches.filter((batch) => batch.state === state).length;
  return [
    gauge("puppet_batches", "Batches under way by state.", valuesOf(BATCH_STATES, batchesIn)),
    gauge(
      "puppet_bulk_runs",
      "The newest 1,000 bulk runs by state.",
      valuesOf(RUN_STATES, (state) => runs.get(state) ?? 0),
    ),
    gauge("puppet_schedules_overdue", "Schedules whose slot nobody has dealt with for a minute.", [[{}, overdue]]),
  ];
};

function valuesOf<State extends string>(states: readonly State[], count: (state: State) => number): Value[] {
  return states.map((state) => [{ state }, count(state)]);
}
