import { z } from "zod";

/** What a worker says of itself with every heartbeat. */
export const workerStatusSchema = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  /** Of the program, e.g. `0.1.0`. */
  version: z.string(),
  /** Epoch ms, clock of the worker. */
  startedAt: z.number(),
  /** How many jobs it has in work at most. */
  concurrency: z.number(),
  jobsInWork: z.number(),
  /** How many lanes it serves. */
  lanes: z.number(),
  /** How late its event loop was since the heartbeat before, 99th percentile. */
  eventLoopLagMs: z.number(),
  /** How long Redis took for the heartbeat before; `null`: this is the first. */
  redisLatencyMs: z.number().nullable(),
  /** Memory of the process (RSS). */
  residentBytes: z.number(),
});

export type WorkerStatus = Readonly<z.infer<typeof workerStatusSchema>>;
