import {
  WORK_METRICS,
  type WorkCounter,
  type WorkHistogram,
  type WorkMetric,
  type WorkSeries,
} from "../../job/work-metrics.ts";
import type { LaneState } from "../../queue/lane-states.ts";
import { readWork } from "../../storage/worker-report.ts";
import { laneTitle } from "../lane-title.ts";
import { counter, histogram, type Distribution, type Family, type Labels, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

const MICRO_PER_SECOND = 1e6;

/** What workers have counted. */
export const workMetrics: MetricGroup = async ({ redis, namespace, lanes }) => {
  const all = await readWork(redis, namespace);
  const titles = new Map(lanes.map(({ lane }) => [lane.name, laneTitle(lane)]));
  const seriesOf = (metric: WorkMetric): WorkSeries[] => all.filter((series) => series.metric === metric);
  const sumsOf = (metric: WorkCounter): Value[] =>
    seriesOf(metric).map((series) => [labelsOf(series, titles), series.sum]);
  const timed = (metric: WorkHistogram, name: string, help: string): Family =>
    histogram(
      name,
      help,
      seriesOf(metric).map((series) => distributionOf(metric, series, titles)),
    );
  const stalled = withZeros(lanes, sumsOf("stalled"));
  return [
    timed("jobWait", "puppet_job_wait_seconds", "How long jobs waited in their lane before they were first taken."),
    timed("jobRun", "puppet_job_run_seconds", "How long the run took that ended a job."),
    timed("slotWait", "puppet_limiter_wait_seconds", "How long granted calls waited for their slot."),
    counter(
      "puppet_calls_not_admitted_total",
      "Calls that had to wait or were not made, by reason.",
      sumsOf("notAdmitted"),
    ),
    counter("puppet_fail_overs_total", "Calls that went to another provider of their chain.", sumsOf("failOver")),
    counter("puppet_jobs_stalled_total", "Jobs whose worker lost its lock on them.", stalled),
  ];
};

/** Every lane from the beginning: `increase` does not see the first event of a series that appears with it. */
function withZeros(lanes: readonly LaneState[], stalled: readonly Value[]): Value[] {
  const sums = new Map(stalled.map(([{ lane = "" }, sum]) => [lane, sum]));
  const names = new Set([...lanes.map(({ lane }) => laneTitle(lane)), ...sums.keys()]);
  return [...names].map((lane) => [{ lane }, sums.get(lane) ?? 0]);
}

function distributionOf(metric: WorkHistogram, series: WorkSeries, titles: ReadonlyMap<string, string>): Distribution {
  const { edgesSeconds } = WORK_METRICS[metric];
  return {
    ...{ labels: labelsOf(series, titles), edgesSeconds, times: series.buckets },
    sumSeconds: series.sum / MICRO_PER_SECOND,
  };
}

/** Lanes are called as everywhere else in the monitor. */
function labelsOf({ labels }: WorkSeries, titles: ReadonlyMap<string, string>): Labels {
  const { lane } = labels;
  return lane === undefined ? labels : { ...labels, lane: titles.get(lane) ?? lane };
}
