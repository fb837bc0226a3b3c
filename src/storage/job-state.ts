import { controlKeys } from "../admission/keys.ts";
import type { Draft } from "../job/draft.ts";
import { scoreOfThousandths } from "../job/feedback.ts";
import type { JobKind } from "../job/generation-job.ts";
import type { GenerationResult, TerminalStatus } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** Everything that the control keys know of a job. */
export interface JobState {
  readonly jobId: string;
  readonly agentId: string;
  readonly kind: JobKind;
  /** The lane in which it was enqueued. */
  readonly lane: string;
  /** The bulk run that it belongs to; `null`: none. */
  readonly run: string | null;
  readonly status: TerminalStatus | "waiting" | "calling";
  /** 1, and one more for every deliberate retry. */
  readonly generation: number;
  /** Somebody has cancelled it; its worker may not have heard yet. */
  readonly isCancelled: boolean;
  /**
   * Attempts of this generation, oldest first. Once there is a result, that tells them: here are then those only that may
   * still be heard of.
   */
  readonly attempts: readonly JobAttempt[];
  /** Until when ADMIT has told it to wait, epoch ms, which may be over; `null`: it has not, or there is a result. */
  readonly waitUntilAt: number | null;
  /** What there is to show so far; `null`: nothing. */
  readonly draft: Draft | null;
  readonly result: GenerationResult | null;
  /** 0–1; `null`: it has none. */
  readonly score: number | null;
}

export interface JobAttempt extends UsageRecord {
  /** `open`: the call is under way, and the row tells what would be known if its worker died now. `orphaned`: it did. */
  readonly state: "open" | "settled" | "orphaned";
}

/** @returns `null`: it was never enqueued, or is forgotten */
export async function readJobState(redis: RedisClient, namespace: string, jobId: string): Promise<JobState | null> {
  const job = await redis.hgetall(controlKeys(namespace).job(jobId));
  const { payload, agent = "", kind, lane = "", run = null } = job;
  // What a worker tells of a job that is forgotten by then is no job.
  if (payload === undefined) return null;
  const attempts = attemptsOf(job);
  const ended = endOf(job);
  const status = ended.result?.status ?? (attempts.some(({ state }) => state === "open") ? "calling" : "waiting");
  const generation = 1 + Number(job["generation"] ?? 0);
  const claimed = { jobId, agentId: agent, kind: kind as JobKind, lane, run };
  return { ...claimed, status, generation, isCancelled: job["cancelled"] === "1", attempts, ...ended };
}

type Hash = Readonly<Record<string, string>>;

/** The JSON is our own: it was checked before it was written. */
function endOf({
  draft,
  feedback,
  result,
  waitUntil,
}: Hash): Pick<JobState, "waitUntilAt" | "draft" | "result" | "score"> {
  return {
    waitUntilAt: waitUntil === undefined || result !== undefined ? null : Math.round(Number(waitUntil)),
    draft: draft === undefined ? null : (JSON.parse(draft) as Draft),
    result: result === undefined ? null : (JSON.parse(result) as GenerationResult),
    score: feedback === undefined ? null : scoreOfThousandths(Number(feedback)),
  };
}

function attemptsOf(job: Hash): JobAttempt[] {
  const attempts: JobAttempt[] = [];
  for (let attempt = 1 + Number(job["base"] ?? 0); attempt <= Number(job["attempts"] ?? 0); attempt++) {
    const row = job[`row:${attempt}`];
    if (row === undefined) continue;
    attempts.push({ ...(JSON.parse(row) as UsageRecord), state: stateOf(job[`state:${attempt}`]) });
  }
  return attempts;
}

/** An open one goes on after the word: see ADMIT. */
function stateOf(state: string | undefined): JobAttempt["state"] {
  if (state === "settled" || state === "orphaned") return state;
  return "open";
}
