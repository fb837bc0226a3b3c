import { Registry, collectDefaultMetrics } from "prom-client";

/** What is deprecated, only there on Linux, of no use to anybody, or called `_total` although it is no counter. */
const LEFT_OUT = [
  /_(?:handles|requests|active_resources)(?:_total)?$/,
  /_(?:virtual_memory|process_heap)_bytes$|_fds$|_heap_space_/,
  /_eventloop_lag_(?:(?:min|max|mean|stddev|p90)_)?seconds$/,
];

let registry: Registry | undefined;

/** The monitor's own process, in Prometheus' text format. They are collected once for the process. */
export async function processMetricsText(): Promise<string> {
  registry ??= collect();
  return await registry.metrics();
}

function collect(): Registry {
  const all = new Registry();
  collectDefaultMetrics({ register: all, prefix: "puppet_monitor_" });
  for (const { name } of all.getMetricsAsArray())
    if (LEFT_OUT.some((pattern) => pattern.test(name))) all.removeSingleMetric(name);
  return all;
}
