import { html, type Html } from "../../../platform/html.ts";
import { duration, shortDuration } from "../../../platform/numbers.ts";
import type { WorkerStatus } from "../../../job/worker-status.ts";
import { longTable } from "./long-list.ts";
import type { Overview } from "./read-overview.ts";

const MOST_WORKERS = 50;

/** Those at work first. */
export function workersTable({ workers }: Overview, now: number): Html {
  return longTable<WorkerStatus>({
    caption: "Workers that live",
    rows: [...workers].sort((a, b) => b.jobsInWork - a.jobsInWork),
    empty: "No worker is running: start one with puppet-engine worker.",
    ...{ noun: "worker", most: MOST_WORKERS, isIdle: ({ jobsInWork }) => jobsInWork === 0 },
    elsewhere: html`<code>puppet_worker_info</code> in <a href="/metrics">the metrics</a> has all`,
    columns: [
      { head: "Host and process", cell: ({ host, pid }) => `${host}, ${pid}` },
      { head: "For", isNumber: true, cell: ({ startedAt }) => duration(now - startedAt) },
      {
        head: "Jobs in work",
        isNumber: true,
        cell: ({ jobsInWork, concurrency }) => `${jobsInWork} of ${concurrency}`,
      },
      { head: "Lanes", isNumber: true, cell: ({ lanes }) => String(lanes) },
      {
        head: "Redis answers in",
        isNumber: true,
        cell: ({ redisLatencyMs: ms }) => (ms === null ? "" : shortDuration(ms)),
      },
      { head: "Event loop late by (p99)", isNumber: true, cell: ({ eventLoopLagMs }) => shortDuration(eventLoopLagMs) },
      { head: "Memory", isNumber: true, cell: ({ residentBytes }) => `${Math.round(residentBytes / 2 ** 20)} MiB` },
    ],
  });
}
