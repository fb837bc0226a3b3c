/** The public API: producers for programs that enqueue generation jobs. */
export { createProducer, type CreateProducerOptions } from "./compose.ts";
export type { EnqueueManyOptions, EnqueueSummary, Producer } from "./queue/producer.ts";
export { JobConflictError, type BatchOutcome, type EnqueuedJob } from "./queue/enqueue-batch.ts";
export type { ScheduleChange, Schedules, ScheduleStatus } from "./queue/schedule-book.ts";
export type { MisfirePolicy, Schedule, Timing, Topic } from "./schedules/schedule.ts";
export type { CancelManner, CancelReply } from "./admission/claims.ts";
export type { FeedbackReply } from "./job/feedback.ts";
export type { JobInput, JobKind, Urgency } from "./job/generation-job.ts";
export type {
  AttemptSummary,
  GenerationResult,
  SucceededResult,
  TerminalStatus,
  UnsuccessfulResult,
} from "./job/generation-result.ts";
export type { PurgeOptions, PurgeReport } from "./job/purge.ts";
export type { FollowEvent, PartialText } from "./job/partial-text.ts";
export { InvalidInputError, type Problem } from "./platform/problem.ts";
export { RedisUnavailableError } from "./platform/redis.ts";
export type { AdjustedParameter, FinishReason, TokenUsage } from "./providers/provider.ts";
