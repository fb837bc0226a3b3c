import { expect } from "vitest";
import type { TestMonitor } from "./open-monitor.ts";
import { parseMetrics, type Family } from "./parse-metrics.ts";

/** What a monitor's /metrics says, read strictly. */
export async function scrape(monitor: TestMonitor): Promise<ReadonlyMap<string, Family>> {
  const { status, headers, text } = await monitor.send("/metrics");
  expect(status, text).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(text);
}
