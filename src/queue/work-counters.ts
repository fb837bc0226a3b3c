import {
  SUM,
  bucketPart,
  otherSeries,
  seriesName,
  type WorkCounter,
  type WorkHistogram,
  type WorkLabels,
} from "../job/work-metrics.ts";

/** Series → part → increment. The part that every series has comes first. */
export type Counted = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Adds up in memory what a worker has seen since it last told Redis. */
export interface WorkCounters {
  count<Metric extends WorkCounter>(metric: Metric, labels: WorkLabels<Metric>): void;
  observe<Metric extends WorkHistogram>(metric: Metric, labels: WorkLabels<Metric>, ms: number): void;
  /** @returns everything since the last time; it begins at nothing again */
  take(): Counted;
  /** Adds what was taken and could not be told. */
  giveBack(counted: Counted): void;
}

/** While Redis is away no job can be taken, so far fewer come together. */
const MOST_SERIES = 2000;
const MICRO_PER_MS = 1000;

export function createWorkCounters(): WorkCounters {
  let series = new Map<string, Map<string, number>>();
  const partsOf = (name: string): Map<string, number> => {
    const key = series.has(name) || series.size < MOST_SERIES ? name : otherSeries(name);
    const parts = series.get(key) ?? new Map([[SUM, 0]]);
    series.set(key, parts);
    return parts;
  };
  return {
    count(metric, labels) {
      add(partsOf(seriesName(metric, labels)), SUM, 1);
    },
    observe(metric, labels, ms) {
      const parts = partsOf(seriesName(metric, labels));
      // Clocks of two machines differ: a job may be taken before it was enqueued.
      const time = Math.max(0, ms);
      add(parts, SUM, Math.round(time * MICRO_PER_MS));
      add(parts, bucketPart(metric, time / 1000), 1);
    },
    take() {
      const counted = series;
      series = new Map();
      return counted;
    },
    giveBack(counted) {
      for (const [name, parts] of counted) for (const [part, by] of parts) add(partsOf(name), part, by);
    },
  };
}

function add(parts: Map<string, number>, part: string, by: number): void {
  parts.set(part, (parts.get(part) ?? 0) + by);
}
