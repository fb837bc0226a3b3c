import { DelayedError, UnrecoverableError, WaitingError, type Telemetry } from "bullmq";
import { RetryLater, type Consumer } from "./consumer.ts";
import { jobIdOf } from "./job-codec.ts";

/** Spans of what happens to jobs in queues. */
export interface QueueTracing {
  /** BullMQ makes spans of adding and processing through it. */
  readonly telemetry: Telemetry;
  /** Says on the span of the job that is being processed what became of it. */
  readonly onProcessed: (processed: ProcessedJob) => void;
}

/** What became of a job in one turn of a worker. */
export interface ProcessedJob {
  readonly jobId: string;
  /** `null`: the job's data is damaged. */
  readonly agentId: string | null;
  readonly lane: string;
  /**
   * `succeeded`, `cancelled`, `held`, `quarantined`, `filed`; `failed`: also when it has expired; `retry`, `delayed` and
   * `given-back`: it comes again; `error`: a defect, or Redis went away.
   */
  readonly outcome: string;
  readonly isError: boolean;
}

/**
 * The consumer, with what comes of each job told. What makes a job come again is no error.
 * @param tracing `undefined`: the consumer as it is
 */
export function traceConsumer(consumer: Consumer, tracing: QueueTracing | undefined): Consumer {
  if (tracing === undefined) return consumer;
  const { onProcessed } = tracing;
  return {
    ...consumer,
    async process(job, token, follower) {
      const { agentId } = (job.data ?? {}) as { agentId?: unknown };
      const known = {
        jobId: jobIdOf(job.id ?? ""),
        agentId: typeof agentId === "string" ? agentId : null,
        lane: job.queueName,
      };
      try {
        const value = await consumer.process(job, token, follower);
        onProcessed({ ...known, outcome: value.status, isError: false });
        return value;
      } catch (error) {
        onProcessed({ ...known, ...outcomeOf(error) });
        throw error;
      }
    },
  };
}

function outcomeOf(error: unknown): Pick<ProcessedJob, "outcome" | "isError"> {
  if (error instanceof RetryLater) return { outcome: "retry", isError: false };
  if (error instanceof DelayedError) return { outcome: "delayed", isError: false };
  if (error instanceof WaitingError) return { outcome: "given-back", isError: false };
  return { outcome: error instanceof UnrecoverableError ? "failed" : "error", isError: true };
}
