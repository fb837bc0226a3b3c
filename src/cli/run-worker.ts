import { aborted, listenForShutdown } from "../platform/shutdown.ts";
import { openWorkplace } from "./workplace.ts";

/** What a process says that was asked to stop while it calls providers. */
export const STOPPING = "stopping: letting calls in flight finish; once more aborts them";

export interface RunWorkerOptions {
  readonly concurrency?: number;
  readonly fake?: boolean;
  /** Serve the monitor from this process as well. */
  readonly monitor?: { readonly readOnly: boolean };
}

/** Runs a worker until a signal stops it. @returns how many calls were aborted */
export async function runWorker({ concurrency, fake = false, monitor }: RunWorkerOptions = {}): Promise<{
  aborted: number;
}> {
  using signals = listenForShutdown();
  // Who only serves jobs needs no agents: they come with the jobs. The monitor enqueues some, too.
  await using workplace = await openWorkplace({ fake, agents: monitor === undefined ? "own" : "all" });
  const { config } = workplace;
  if (!config.usesExampleAgents) workplace.requireKeys(workplace.agents.keys());
  await using served = monitor === undefined ? undefined : await workplace.monitor(monitor);
  const { forced: force } = signals;
  const worker = await workplace.worker({ quiet: null, force, ...(concurrency === undefined ? {} : { concurrency }) });
  const configured = Object.keys(config.providers.settings).join(", ");
  console.error(
    `worker ${worker.id} is taking jobs (namespace ${config.namespace}, providers: ${configured}); Ctrl-C stops it`,
  );
  if (served !== undefined) console.error(`monitor at ${served.url}`);
  await aborted(signals.requested);
  console.error(STOPPING);
  return await worker.stop({ graceMs: config.file.worker.graceSeconds * 1000, force });
}
