/**
 * What workers count beside the usage rows: how long jobs wait and run, and what stood in the way of calls. They add up
 * in memory and tell Redis with their heartbeat. These are no accounts: what a worker has counted in the two seconds
 * before it dies is missing, and what it told when the reply was lost is counted twice.
 */
export const WORK_METRICS = {
  /** From when a job was put into its lane until it is taken for the first time. */
  jobWait: { labels: ["lane"], edgesSeconds: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400] },
  /** From when a job is taken until it has ended; runs that ended nothing are left out. */
  jobRun: { labels: ["lane"], edgesSeconds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] },
  /** From the grant of a call until its slot. */
  slotWait: { labels: ["provider", "model"], edgesSeconds: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5] },
  /** Calls that ADMIT did not grant. `reason`: an `UnavailableReason`, `too-large` or `budget`. */
  notAdmitted: { labels: ["provider", "model", "reason"] },
  /** Calls to another member of the chain than the one before. `from`, `to`: providers. */
  failOver: { labels: ["from", "to"] },
  /** Jobs whose worker lost its lock on them. */
  stalled: { labels: ["lane"] },
} as const;

export type WorkMetric = keyof typeof WORK_METRICS;
/** Those that are distributions of times. */
export type WorkHistogram = "jobWait" | "jobRun" | "slotWait";
export type WorkCounter = Exclude<WorkMetric, WorkHistogram>;
export type WorkLabels<Metric extends WorkMetric> = Readonly<
  Record<(typeof WORK_METRICS)[Metric]["labels"][number], string>
>;

/** A metric with one value for each of its labels. */
export interface WorkSeries {
  readonly metric: WorkMetric;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a counter the sum, of a histogram the sum of all times in microseconds. */
  readonly sum: number;
  /** Of a histogram: upper edge in seconds, `Infinity` last → how many times are between it and the one below. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** The part of a series that every series has. */
export const SUM = "sum";
const BUCKET = "le:";
/** Stands for every label of series that find no room any more. */
const OTHER = "other";

/** Names of lanes, providers and models hold no `|`. */
const SEPARATOR = "|";

export function seriesName<Metric extends WorkMetric>(metric: Metric, labels: WorkLabels<Metric>): string {
  const values: Readonly<Record<string, string>> = labels;
  return [metric, ...WORK_METRICS[metric].labels.map((label) => values[label] ?? OTHER)].join(SEPARATOR);
}

/** The series that takes the place of one that finds no room. */
export function otherSeries(series: string): string {
  const [metric = "", ...labels] = series.split(SEPARATOR);
  return [metric, ...labels.map(() => OTHER)].join(SEPARATOR);
}

/** How the bucket is called that a time belongs to. */
export function bucketPart(metric: WorkHistogram, seconds: number): string {
  return `${BUCKET}${WORK_METRICS[metric].edgesSeconds.find((edge) => seconds <= edge) ?? Infinity}`;
}

/** @param fields series and part, joined by `|` → increments, as Redis has them; what is not ours is left out */
export function parseWork(fields: Readonly<Record<string, string>>): WorkSeries[] {
  const series = new Map<string, WorkSeries & { sum: number; buckets: Map<number, number> }>();
  for (const [field, value] of Object.entries(fields)) {
    const end = field.lastIndexOf(SEPARATOR);
    const name = field.slice(0, end);
    const known = series.get(name) ?? emptySeries(name);
    if (known === null) continue;
    series.set(name, known);
    const part = field.slice(end + 1);
    if (part === SUM) known.sum += Number(value);
    else if (part.startsWith(BUCKET)) known.buckets.set(Number(part.slice(BUCKET.length)), Number(value));
  }
  return [...series.values()];
}

function emptySeries(name: string): (WorkSeries & { sum: number; buckets: Map<number, number> }) | null {
  const [metric = "", ...values] = name.split(SEPARATOR);
  if (!isWorkMetric(metric)) return null;
  const { labels } = WORK_METRICS[metric];
  if (labels.length !== values.length) return null;
  const pairs = labels.map((label, index): [string, string] => [label, values[index] ?? OTHER]);
  return { metric, labels: Object.fromEntries(pairs), sum: 0, buckets: new Map() };
}

function isWorkMetric(name: string): name is WorkMetric {
  return Object.hasOwn(WORK_METRICS, name);
}
