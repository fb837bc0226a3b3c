import { controlKeys } from "../admission/keys.ts";
import { scoreOfThousandths } from "../job/feedback.ts";
import type { JobKind } from "../job/generation-job.ts";
import type { GenerationResult, TerminalStatus } from "../job/generation-result.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { queueJobId } from "./job-codec.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { QUARANTINE } from "./lane.ts";

/**
 * What a job without a result is at: `waiting` in its lane, or for its batch; `active`: a worker is at it; `delayed`: until
 * a retry, for a slot in a limit, or until what it needs is resumed; `cancelling`: its worker was told to stop.
 */
export const OPEN_STATUSES = ["waiting", "active", "delayed", "cancelling"] as const;
export type JobStatus = TerminalStatus | (typeof OPEN_STATUSES)[number];

/** Everything that is known of a job but its content. */
export interface JobReport {
  readonly id: string;
  readonly status: JobStatus;
  readonly kind: JobKind;
  readonly agentId: string;
  /** The name of its lane; `quarantine` since its worker has died in mid-call. */
  readonly lane: string;
  /** The bulk run that it belongs to. */
  readonly run: string | null;
  /** Epoch ms; `null`: its queue has forgotten it. */
  readonly enqueuedAt: number | null;
  /** Provider calls so far, of all generations. */
  readonly calls: number;
  /** 0–1; `null`: it has no score. */
  readonly score: number | null;
  readonly result: GenerationResult | null;
}

interface JobStatusOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly queues: LaneQueues;
}

const FIELDS = ["kind", "agent", "lane", "run", "attempts", "feedback", "cancelled", "result", "status"] as const;

/** @returns `null`: it was never enqueued, or is no longer kept */
export async function readJobStatus(jobId: string, options: JobStatusOptions): Promise<JobReport | null> {
  const { redis, namespace, queues } = options;
  const fields = await redis.hmget(controlKeys(namespace).job(jobId), ...FIELDS);
  const [kind, agentId, recordedLane, run = null, attempts, score, cancelled, json, recordedStatus] = fields;
  if (!kind || !agentId || !recordedLane) return null;
  const place = isFinal(recordedStatus)
    ? { lane: recordedLane, open: null }
    : await placeOf(jobId, recordedLane, options);
  const enqueuedAt = await redis.hget(queues.get(place.lane).toKey(queueJobId(jobId)), "timestamp");
  // Retried by a person: the earlier record stands until a worker takes the job.
  const isOver = json && place.open === null;
  return {
    ...{ id: jobId, kind: kind as JobKind, agentId, lane: place.lane, run },
    enqueuedAt: enqueuedAt === null ? null : Number(enqueuedAt),
    calls: Number(attempts ?? 0),
    score: score ? scoreOfThousandths(Number(score)) : null,
    status: isOver ? (recordedStatus as TerminalStatus) : cancelled ? "cancelling" : (place.open ?? "waiting"),
    result: isOver ? (JSON.parse(json) as GenerationResult) : null,
  };
}

/** It has a record, and will never run again. */
function isFinal(status: string | null | undefined): boolean {
  return Boolean(status) && status !== "failed" && status !== "expired";
}

interface Place {
  readonly lane: string;
  /** `null`: its queue does not have it to do. */
  readonly open: "waiting" | "active" | "delayed" | null;
}

async function placeOf(jobId: string, lane: string, { queues }: JobStatusOptions): Promise<Place> {
  for (const name of [lane, QUARANTINE.name]) {
    const open = openStateOf(await queues.get(name).getJobState(queueJobId(jobId)));
    if (open !== null) return { lane: name, open };
  }
  return { lane, open: null };
}

/** As BullMQ calls it. */
function openStateOf(state: string): Place["open"] {
  if (state === "active" || state === "delayed") return state;
  return state === "waiting" || state === "prioritized" ? "waiting" : null;
}
