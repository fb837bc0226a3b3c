import { serveRequests } from "./programs.ts";

export interface WorkerStart {
  readonly redisPath: string;
  readonly namespace: string;
  readonly concurrency: number;
  /** Endpoint of OpenAI. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Endpoint of the fall-back, for workers that have one; default: none. */
  readonly grokUrl?: string;
  /** What the configuration says about limits; default: nothing. */
  readonly limits?: readonly ConfiguredLimit[];
}

/** An entry of `limits` in the configuration file. */
export interface ConfiguredLimit {
  readonly provider: string;
  readonly model: string;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
}

/** A process that works jobs off. */
export interface WorkerProgram {
  start(request: WorkerStart): Promise<void>;
  stop(): Promise<CpuUse>;
}

/** Of the process between start and stop, user and system. */
export interface CpuUse {
  readonly cpuMs: number;
}

/** Serves one contestant over the process channel. */
export function serveWorker(worker: { start(request: WorkerStart): Promise<void>; stop(): Promise<void> }): void {
  let startedAt = process.cpuUsage();
  serveRequests<WorkerProgram>({
    async start(request) {
      startedAt = process.cpuUsage();
      await worker.start(request);
    },
    async stop() {
      const { user, system } = process.cpuUsage(startedAt);
      await worker.stop();
      return { cpuMs: (user + system) / 1000 };
    },
  });
}
