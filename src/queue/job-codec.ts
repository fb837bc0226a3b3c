import type { JobsOptions } from "bullmq";
import { JOB_VERSION, generationJobSchema, type GenerationJob, type Urgency } from "../job/generation-job.ts";
import { formatPath } from "../platform/field-fault.ts";

/** Jobs are added under this name. */
export const JOB_NAME = "generate";

/** BullMQ's own counters never decide: exceeding them would fail a job without a terminal record. */
const BULLMQ_ATTEMPTS = 1000;

const PRIORITY_EPOCH_MS = Date.UTC(2026, 0, 1);
const PRIORITY_STEP_MS = 5 * 60_000;
/** BullMQ's largest priority; with steps of 5 minutes it is reached in 2045. */
const LOWEST_PRIORITY = 2_097_151;
/** Bulk jobs stand behind what is scheduled within the next half hour, and no further: they age forward. */
const BULK_OFFSET_MS = 30 * 60_000;

/** BullMQ refuses ids that look like its own integers; ours get a prefix. */
export function queueJobId(jobId: string): string {
  return `j_${jobId}`;
}

export function jobIdOf(idInQueue: string): string {
  return idInQueue.replace(/^j_/, "");
}

/** 0 comes first and is a plain list; the others are ordered by when they were enqueued. */
export function priorityOf(urgency: Urgency, enqueuedAt: number): number {
  switch (urgency) {
    case "reply":
      return 0;
    case "scheduled":
      return step(enqueuedAt);
    case "bulk":
      return step(enqueuedAt + BULK_OFFSET_MS);
  }
}

function step(at: number): number {
  return Math.min(LOWEST_PRIORITY, Math.max(1, 1 + Math.floor((at - PRIORITY_EPOCH_MS) / PRIORITY_STEP_MS)));
}

export function queueOptions(job: GenerationJob): JobsOptions {
  return {
    jobId: queueJobId(job.id),
    priority: priorityOf(job.urgency, job.enqueuedAt),
    attempts: BULLMQ_ATTEMPTS,
    backoff: { type: "custom" },
    // Stack traces tell where the program lies on its machine, and nothing about the job.
    stackTraceLimit: 0,
  };
}

export type DecodedJob =
  | { readonly is: "job"; readonly job: GenerationJob }
  /** Written by a newer producer: a newer worker will know what to do with it. */
  | { readonly is: "newer"; readonly version: number }
  | { readonly is: "invalid"; readonly reason: string };

/** Names are anybody's: they may look like a key, or deceive whoever reads the log. */
function placeOf(path: readonly PropertyKey[]): string {
  return formatPath(path.map((key) => (typeof key === "number" ? key : String(key))));
}

/** Checks what came out of the queue: anybody with access to Redis can write there. */
export function decodeJob(data: unknown): DecodedJob {
  const version = (data as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > JOB_VERSION) return { is: "newer", version };
  const parsed = generationJobSchema.safeParse(data);
  if (parsed.success) return { is: "job", job: parsed.data };
  const reasons = parsed.error.issues.map(({ path, message }) => `${placeOf(path) || "job"}: ${message}`);
  return { is: "invalid", reason: `the queued job is invalid: ${reasons.join("; ")}`.slice(0, 500) };
}
