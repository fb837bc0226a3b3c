import { countWorkers } from "../../admission/sweeper.ts";
import type { WorkerStatus } from "../../job/worker-status.ts";
import { readWorkers } from "../../storage/worker-report.ts";
import { gauge, type Family } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

export const workerMetrics: MetricGroup = async ({ redis, namespace }) => {
  const [count, workers] = await Promise.all([countWorkers(redis, namespace), readWorkers(redis, namespace)]);
  const ofWorkers = (name: string, help: string, value: (worker: WorkerStatus) => number | null): Family =>
    gauge(
      `puppet_worker_${name}`,
      help,
      workers.flatMap((worker) => {
        const known = value(worker);
        return known === null ? [] : [[{ worker: worker.id }, known] as const];
      }),
    );
  return [
    gauge("puppet_workers", "Workers that live.", [[{}, count]]),
    gauge(
      "puppet_worker_info",
      "1 for each worker that lives, with the version of its program.",
      workers.map(({ id, version }) => [{ worker: id, version }, 1]),
    ),
    ofWorkers("start_time_seconds", "When a worker started, Unix time.", ({ startedAt }) => startedAt / 1000),
    ofWorkers("concurrency", "How many jobs a worker has in work at most.", ({ concurrency }) => concurrency),
    ofWorkers("jobs_in_work", "How many jobs a worker has in work.", ({ jobsInWork }) => jobsInWork),
    ofWorkers("lanes", "How many lanes a worker serves.", ({ lanes }) => lanes),
    ofWorkers(
      "event_loop_lag_seconds",
      "How late a worker's event loop was in the last two seconds, 99th percentile.",
      ({ eventLoopLagMs }) => eventLoopLagMs / 1000,
    ),
    ofWorkers(
      "redis_latency_seconds",
      "How long Redis took to answer a worker's last heartbeat.",
      ({ redisLatencyMs }) => (redisLatencyMs === null ? null : redisLatencyMs / 1000),
    ),
    ofWorkers("resident_memory_bytes", "Memory of a worker's process.", ({ residentBytes }) => residentBytes),
  ];
};
