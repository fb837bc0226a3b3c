import { aborted, listenForShutdown } from "../platform/shutdown.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { portNumber } from "./options.ts";
import { openWorkplace } from "./workplace.ts";

interface MonitorOptions {
  readonly host?: string;
  readonly port?: number;
  readonly readOnly?: boolean;
}

export const monitorCommand: AddCommand = (program, end) => {
  program
    .command("monitor")
    .description("serve the pages, the API, Bull Board, health and metrics until stopped")
    .option("--host <address>", "where to listen (default: MONITOR_HOST, or 127.0.0.1)")
    .option("--port <n>", "at which port (default: MONITOR_PORT, or 3700)", portNumber)
    .option("--read-only", "change nothing through it: no buttons, no enqueuing, Bull Board included")
    .addHelpText(
      "after",
      `
/         what runs, what it costs, what is stuck, what was written: pages that follow by themselves
/api/v1   for programs in any language: enqueue, results, runs, lanes, usage; described by /api/v1/openapi.json
/board    Bull Board: every lane, its jobs, their results and errors
/healthz  200 while the monitor lives
/readyz   200 when jobs can be accepted, kept and worked off; else 503, and why
/metrics  for Prometheus: lanes, attempts, tokens, cost, durations

Any address but the loopback one needs MONITOR_TOKEN (operators) or MONITOR_VIEWER_TOKEN (who only look). Browsers are
shown where to enter it; programs send it as "Authorization: Bearer TOKEN". /healthz and /readyz are open.`,
    )
    .action(async (options: MonitorOptions) => {
      using signals = listenForShutdown();
      await using workplace = await openWorkplace({ agents: "all" });
      await using monitor = await workplace.monitor(options);
      console.error(`monitor at ${monitor.url}; Ctrl-C stops it`);
      await aborted(signals.requested);
      end(EXIT.ok);
    });
};
