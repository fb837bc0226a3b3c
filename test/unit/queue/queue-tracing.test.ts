import { DelayedError, UnrecoverableError, WaitingError, type Job } from "bullmq";
import { expect, it } from "vitest";
import { RetryLater, type Consumer, type QueueReturnValue } from "../../../src/queue/consumer.ts";
import { traceConsumer, type ProcessedJob, type QueueTracing } from "../../../src/queue/queue-tracing.ts";

const JOB = { id: "j_42", queueName: "a~b", data: { agentId: "ada" } } as Job;

/** What is told of a job that ends like this. */
async function told(process: () => Promise<QueueReturnValue>, job = JOB): Promise<ProcessedJob[]> {
  const all: ProcessedJob[] = [];
  const consumer: Consumer = { process, stop: () => undefined, running: () => 0, stopAll: () => 0 };
  const telemetry = {} as QueueTracing["telemetry"];
  const traced = traceConsumer(consumer, { telemetry, onProcessed: (processed) => void all.push(processed) });
  const ended = traced.process(job, "token", { onSlot: () => undefined, onBlocked: () => undefined });
  expect(await outcomeOf(ended)).toEqual(await outcomeOf(process()));
  return all;
}

async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.catch((error: unknown) => error);
}

it.each([
  ["retry", new RetryLater("busy", 5), false],
  ["delayed", new DelayedError(), false],
  ["given-back", new WaitingError(), false],
  ["failed", new UnrecoverableError("no"), true],
  ["error", new Error("secret"), true],
])("%s is told of what ends a turn with an error, which stays", async (outcome, error, isError) => {
  const known = { jobId: "42", agentId: "ada", lane: "a~b" };
  expect(await told(async () => await Promise.reject(error))).toEqual([{ ...known, outcome, isError }]);
});

it("a result is told by its status; a job with damaged data too", async () => {
  const damaged = { id: "7", queueName: "a~b", data: null } as Job;
  expect(await told(async () => ({ status: "filed" }), damaged)).toEqual([
    { jobId: "7", agentId: null, lane: "a~b", outcome: "filed", isError: false },
  ]);
});
