import { Registry } from "prom-client";
import { familyText } from "./exposition.ts";
import { laneMetrics } from "./lanes.ts";
import { limitMetrics } from "./limits.ts";
import { processMetricsText } from "./process.ts";
import { outcomeMetrics } from "./outcomes.ts";
import { runMetrics } from "./runs.ts";
import type { MetricGroup, Scrape } from "./scrape.ts";
import { usageMetrics } from "./usage.ts";
import { workMetrics } from "./work.ts";
import { workerMetrics } from "./workers.ts";

/** A new kind of metric is a file that exports such a group, a line here, and a row in docs/monitoring.md. */
const GROUPS: readonly MetricGroup[] = [
  laneMetrics,
  workerMetrics,
  workMetrics,
  usageMetrics,
  limitMetrics,
  runMetrics,
  outcomeMetrics,
];

/**
 * Everything that the monitor knows, in Prometheus' text format. Read from Redis at the scrape, so any number of monitors
 * say the same and none has to run all the time; only the metrics of the monitor's own process are its own.
 */
export async function renderMetrics(scrape: Scrape): Promise<{ readonly contentType: string; readonly body: string }> {
  const [own, ...groups] = await Promise.all([processMetricsText(), ...GROUPS.map((group) => group(scrape))]);
  const families = groups.flat();
  return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: families.map(familyText).join("") + own };
}
