import { composeMonitor } from "../../src/compose-monitor.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Benchmark, OptionValues } from "../benchmark.ts";
import { benchAgent, benchProducer, jobIds, tweets } from "../our-jobs.ts";
import { median, percentile, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";

/** How long pages take while many jobs wait, beside the least that a server can do. */
export const monitor: Benchmark = {
  summary: "how long the monitor's pages take with many jobs in Redis, beside /healthz",
  options: {
    jobs: { describe: "jobs that wait", default: 100_000 },
    lanes: { describe: "lanes that they wait in", default: 20 },
    requests: { describe: "requests of each page and round", default: 30 },
    rounds: { describe: "rounds, pages taking turns", default: 5 },
  },
  async run(values) {
    await withRedis(async (redis) => await measure(redis, values));
  },
};

const NAMESPACE = "bench";
const PAGES = ["/healthz", "/", "/usage", "/runs", "/results", "/metrics"];

async function measure(redis: BenchRedis, values: OptionValues): Promise<void> {
  await fill(redis, values);
  const config = loadConfig({ environment: {}, directory: "/", isTerminal: false });
  const address = { host: "127.0.0.1", port: 0 };
  await using served = await composeMonitor({
    config: { ...config, namespace: NAMESPACE, monitor: { ...config.monitor, ...address } },
    ...{ address: { path: redis.path }, readOnly: false, agents: new Map(), schedules: new Map() },
  });
  const times = new Map(PAGES.map((page) => [page, [] as number[]]));
  for (let round = 0; round < values.count("rounds") + 1; round++) {
    for (const page of PAGES) {
      const all = await timesOf(`${served.url}${page}`, values.count("requests"));
      // The first round warms up.
      if (round > 0) times.get(page)?.push(...all);
    }
  }
  const rows = [...times].map(([page, all]) => [
    page,
    median(all).toFixed(1),
    percentile(all, 0.95).toFixed(1),
    spread(all, 1),
  ]);
  console.log(renderTable(["page", "median (ms)", "p95 (ms)", "spread (ms)"], rows));
}

async function timesOf(url: string, requests: number): Promise<number[]> {
  const all: number[] = [];
  for (let request = 0; request < requests; request++) all.push(await timeOf(url));
  return all;
}

async function timeOf(url: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  if (!response.ok && !url.includes("readyz")) throw new Error(`${url} answered ${response.status}`);
  return performance.now() - startedMs;
}

async function fill(redis: BenchRedis, values: OptionValues): Promise<void> {
  const [jobs, lanes] = [values.count("jobs"), values.count("lanes")];
  const [first, ...others] = Array.from({ length: lanes }, (_, index) =>
    benchAgent(`agent-${index}`, { llm_config: { model: `model-${index}` } }),
  );
  if (first === undefined) return;
  await using producer = await benchProducer(redis, NAMESPACE, [first, ...others]);
  for (const agent of [first, ...others]) {
    await producer.enqueueMany(tweets(agent, jobIds(agent.id, Math.ceil(jobs / lanes))));
  }
  console.error(`${jobs} jobs wait in ${lanes} lanes`);
}
