import { aborted, listenForShutdown } from "../platform/shutdown.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { portNumber } from "./options.ts";
import { openWorkplace } from "./workplace.ts";

interface MonitorOptions {
  readonly host?: string;
  readonly port?: number;
  readonly writable?: boolean;
}

export const monitorCommand: AddCommand = (program, end) => {
  program
    .command("monitor")
    .description("serve Bull Board, health and metrics until stopped")
    .option("--host <address>", "where to listen (default: MONITOR_HOST, or 127.0.0.1)")
    .option("--port <n>", "at which port (default: MONITOR_PORT, or 3700)", portNumber)
    .option("--writable", "let Bull Board's buttons retry, pause, remove …; read-only otherwise")
    .addHelpText(
      "after",
      `
/board    Bull Board: every lane, its jobs, their results and errors
/healthz  200 while the monitor lives
/readyz   200 when jobs can be accepted, kept and worked off; else 503, and why
/metrics  for Prometheus: lanes, attempts, tokens, cost, durations

Any address but the loopback one needs MONITOR_TOKEN. Browsers are asked for it (any user name, the token as password);
programs send it as "Authorization: Bearer TOKEN". /healthz and /readyz are open.`,
    )
    .action(async (options: MonitorOptions) => {
      using signals = listenForShutdown();
      await using workplace = await openWorkplace({ agents: "none" });
      await using monitor = await workplace.monitor(options);
      console.error(`monitor at ${monitor.url}/board; Ctrl-C stops it`);
      await aborted(signals.requested);
      end(EXIT.ok);
    });
};
