import type { Admission, BudgetState } from "../admission/admission.ts";
import type { Agent, CacheRule } from "../agents/agent.ts";
import type { Draft } from "../job/draft.ts";
import type { GenerationJob, Urgency } from "../job/generation-job.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { Prices } from "../models/prices.ts";
import type { Clock } from "../platform/clock.ts";
import type { BatchApi } from "../providers/batch.ts";
import type { ChatMessage, Provider } from "../providers/provider.ts";
import type { DecidePolicy, Step, Unavailable } from "./decide.ts";
import type { CacheTicket, ResponseCache } from "./response-cache.ts";
import type { RefusedParameters } from "./refused-parameters.ts";
import type { TokenEstimator } from "./token-estimator.ts";
import type { TraceCall } from "./trace-call.ts";
import type { VarietyGuard } from "./variety-guard.ts";

export interface GenerationPolicy extends Omit<DecidePolicy, "failOverAfter"> {
  /** Failures of a provider after which its fall-back is asked first, by urgency; defaults 1, 3, 3. */
  readonly failOverAfter: Readonly<Record<Urgency, number>>;
  /** Longest sum of waits that spend no attempt, by urgency; defaults 60 s, 15 min, 24 h. */
  readonly maxWaitMs: Readonly<Record<Urgency, number>>;
  /** How long a provider is left alone that cannot work before somebody acts (quota, key, model); default 5 min. */
  readonly pauseMs: number;
  /** For those who ask for the cache and do not say more; default a day, and not stale. */
  readonly cache: CacheRule;
}

/** One key of a provider as this worker has it configured. */
export interface ConfiguredTarget {
  readonly provider: Provider;
  readonly keyId: string | null;
  /** Pauses of the key are kept by this, for every model. */
  readonly credential: string;
  /** Limits, health and pauses are kept by this: by default provider + model + key. */
  readonly limitGroup: string;
  /** `null`: it has no batch API. */
  readonly batch: BatchApi | null;
}

/** A provider as this worker has it configured. */
export interface ConfiguredProvider {
  /** One for each key; never empty. */
  targets(model: string): readonly ConfiguredTarget[];
}

/** Whose text it is. */
export interface TextSource {
  readonly jobId: string;
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
}

/** Takes the text of one call as it grows, for whoever follows it. Never throws, and never holds the call up. */
export interface TextFeed {
  onText(textSoFar: string): void;
  /** The call is over: nothing of the feed remains. */
  close(): void;
}

export interface GenerationDependencies {
  readonly admission: Admission;
  readonly provider: (id: string) => ConfiguredProvider | undefined;
  readonly prices: Prices;
  readonly catalogue: Pick<ModelCatalogue, "capTokens">;
  readonly estimator: TokenEstimator;
  readonly refused: RefusedParameters;
  readonly policy: GenerationPolicy;
  readonly clock: Clock;
  readonly buildMessages: (agent: Agent, job: GenerationJob) => readonly ChatMessage[];
  /** Asks for a better text than the draft. `limit`: of one post, as X counts. */
  readonly reviseMessages: (
    messages: readonly ChatMessage[],
    draft: Draft,
    limit: number | null,
  ) => readonly ChatMessage[];
  readonly cache: ResponseCache;
  /** `null`: texts may be like each other. */
  readonly variety: VarietyGuard | null;
  /** Called for each call whose answer is streamed. */
  readonly openTextFeed: (source: TextSource) => TextFeed;
  /** Makes each provider call within a span. Default: it is just made. */
  readonly traceCall?: TraceCall | undefined;
  /** Told of every attempt when it is recorded, and of every step: for logs. */
  readonly onAttempt: (row: UsageRecord) => void;
  readonly onStep: (job: GenerationJob, step: Step) => void;
  /** Told of every call that goes to another member of the chain than the one before, or first of all not to the first. */
  readonly onFailOver: (from: string, to: string) => void;
  /** Told of every breaker that this worker's call has opened. */
  readonly onBreaker: (limitGroup: string) => void;
  /** Told once a day of every budget that has passed its warning share, and once when it refuses the first call. */
  readonly onBudget: (budget: BudgetState) => void;
}

/** Why a run is stopped from outside: the reason of its abort signal. */
export type StopReason = "cancelled" | "shutdown";

export type SlotEvent = { readonly slotInMs: number } | "calling" | "over";

export interface RunInput {
  readonly job: GenerationJob;
  readonly agent: Agent;
  /** See `AdmitRequest.deliveries`. */
  readonly deliveries: number;
  /** Aborted with a `StopReason`. */
  readonly signal: AbortSignal;
  /** The lane that it was taken from. */
  readonly lane: string;
  /** True in the quarantine lane, where jobs run alone. */
  readonly alone: boolean;
  /** Told of every grant: how far ahead its slot is; then that the call begins, if it does; then that it is over. */
  readonly onSlot: (event: SlotEvent) => void;
}

export type RunOutcome =
  | { readonly outcome: "ended"; readonly record: GenerationResult }
  | { readonly outcome: "retry"; readonly afterMs: number; readonly why: string }
  /**
   * `blocked`: others in the lane will be told the same. `all`: the whole chain is unavailable until then; `some`: a
   * fall-back may be free for jobs that are more in a hurry.
   */
  | { readonly outcome: "wait"; readonly untilAt: number; readonly blocked: "all" | "some" | "no" }
  /** An operator has paused what it needs: it belongs back into its lane, which stands still until it is resumed. */
  | { readonly outcome: "hold"; readonly why: string }
  /** An earlier run died in mid-call: this job must run where it can hurt nobody else. */
  | { readonly outcome: "quarantine" }
  /** Stopped by us: the job belongs back into its lane, nothing spent. */
  | { readonly outcome: "give-back" };

/** What one run learns as it goes. */
export interface Run extends RunInput {
  readonly deps: GenerationDependencies;
  readonly unavailable: Map<number, Unavailable>;
  history: readonly UsageRecord[];
  knownAttempts: number;
  /** ADMIT has been asked: there are no attempts that this run does not know of. */
  knowsHistory: boolean;
  waitedMs: number;
  /** What the first request says. */
  messages: readonly ChatMessage[] | undefined;
  /** `null`: it takes no earlier text, and leaves none. */
  ticket: CacheTicket | null;
  /** The text so far that is not good enough yet. */
  draft: Draft | null;
}
