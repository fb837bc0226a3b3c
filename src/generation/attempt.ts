import type { ChainMember } from "../agents/agent.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import type { Clock } from "../platform/clock.ts";
import { ProviderError, type ProviderErrorKind } from "../providers/provider-error.ts";
import type {
  ChatMessage,
  GenerateRequest,
  GenerateResponse,
  LimitReport,
  Provider,
  TokenUsage,
} from "../providers/provider.ts";
import type { Step } from "./decide.ts";
import type { RefusedParameters } from "./refused-parameters.ts";
import type { TextFeed, TextSource } from "./run.ts";
import type { EstimatedTokens } from "./token-estimator.ts";
import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { Prices } from "../models/prices.ts";

/** The cap's factor when an empty text was cut by length: reasoning needs room before the text starts. */
const RECOVER_CAP_FACTOR = 4;

export interface AttemptDependencies {
  readonly prices: Prices;
  readonly clock: Clock;
  readonly catalogue: Pick<ModelCatalogue, "capTokens">;
  readonly refused: Pick<RefusedParameters, "of">;
}

interface CallDependencies extends AttemptDependencies {
  readonly openTextFeed: (source: TextSource) => TextFeed;
}

interface IntentInput {
  readonly job: GenerationJob;
  readonly member: ChainMember;
  readonly step: Step & { do: "call" };
  readonly attempt: number;
  readonly inputBytes: number;
  readonly capTokens: number;
  /** What it will probably use. */
  readonly tokens: Pick<EstimatedTokens, "inputTokens" | "outputTokens">;
}

/** The most that the step's call may write. */
export function capTokensOf(
  { provider, model, parameters }: ChainMember,
  step: Step & { do: "call" },
  { catalogue, refused }: Pick<AttemptDependencies, "catalogue" | "refused">,
): number {
  const factor = step.request === "recover" ? RECOVER_CAP_FACTOR : 1;
  const omit = [...refused.of(provider, model), ...step.omit];
  return catalogue.capTokens({ provider, model, maxTokens: parameters.maxTokens, factor, omit });
}

/** The row as it reads if the worker dies now: the call may have been made, at the largest possible cost. */
export function intentOf(
  { job, member, step, attempt, inputBytes, capTokens, tokens }: IntentInput,
  { prices, clock }: AttemptDependencies,
): UsageRecord {
  const { provider, model } = member;
  const { inputTokens, outputTokens } = tokens;
  const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: true, raw: null };
  return {
    attemptId: `${job.id}.${attempt}`,
    jobId: job.id,
    attempt,
    agentId: job.agentId,
    kind: job.input.kind,
    provider,
    model,
    keyId: null,
    member: step.member,
    request: step.request,
    outcome: "crashed",
    sent: "unknown",
    usage: null,
    costMicroUsd: prices.upperBound({ provider, model, inputBytes, maxOutputTokens: capTokens }),
    reservedMicroUsd: prices.priceOf({ provider, model, usage, reportedCostMicroUsd: null }) ?? 0,
    possiblyBilled: true,
    startedAt: clock.now(),
    durationMs: 0,
    status: null,
    retryAfterMs: null,
    parameter: null,
    message: null,
    requestId: null,
  };
}

interface CallInput {
  readonly intent: UsageRecord;
  readonly member: ChainMember;
  readonly step: Step & { do: "call" };
  readonly messages: readonly ChatMessage[];
  readonly provider: Provider;
  readonly signal: AbortSignal;
  readonly capTokens: number;
}

export interface CallOutcome {
  /** Final: it replaces the intent. */
  readonly row: UsageRecord;
  /** `null` when the call failed. */
  readonly response: GenerateResponse | null;
  /** What the vendor said about its limits. */
  readonly limits: readonly LimitReport[];
}

/** The most that is known of a call that was made by other means. */
export type CallAnswer = { readonly response: GenerateResponse } | { readonly error: ProviderError };

/** @param row the intent, with how long it has taken */
export function outcomeOf(row: UsageRecord, answer: CallAnswer, prices: Prices): CallOutcome {
  return "response" in answer
    ? { row: succeededRow(row, answer.response, prices), response: answer.response, limits: answer.response.limits }
    : { row: failedRow(row, answer.error, prices), response: null, limits: answer.error.limits };
}

/** Makes one provider call and turns whatever comes of it into a row. Never throws. */
export async function callProvider(input: CallInput, deps: CallDependencies): Promise<CallOutcome> {
  const startedMs = deps.clock.monotonicMs();
  const timed = (): UsageRecord => ({ ...input.intent, durationMs: Math.round(deps.clock.monotonicMs() - startedMs) });
  const feed = input.member.parameters.stream ? deps.openTextFeed(input.intent) : null;
  try {
    const response = await input.provider.generate(requestOf(input, feed, deps), input.signal);
    return outcomeOf(timed(), { response }, deps.prices);
  } catch (thrown) {
    const error = asProviderError(thrown, input.member.provider);
    return outcomeOf(timed(), { error }, deps.prices);
  } finally {
    feed?.close();
  }
}

export function requestOf(
  { intent, member, step, messages, capTokens }: Omit<CallInput, "provider" | "signal">,
  feed: TextFeed | null,
  { refused }: Pick<AttemptDependencies, "refused">,
): GenerateRequest {
  const { model, parameters, timeoutMs, options } = member;
  return {
    attemptId: intent.attemptId,
    model,
    messages,
    parameters,
    omit: [...refused.of(member.provider, model), ...step.omit],
    capTokens,
    isRecovery: step.request === "recover",
    timeoutMs,
    options,
    ...(feed === null ? {} : { onText: (textSoFar) => feed.onText(textSoFar) }),
  };
}

/** A provider that throws anything else has a defect; the job must still end with a row. */
function asProviderError(error: unknown, provider: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const message = `unexpected ${error instanceof Error ? error.name : typeof error} in the provider's adapter`;
  return new ProviderError(message, { kind: "invalid-response", provider, sent: "unknown", cause: error });
}

function succeededRow(row: UsageRecord, response: GenerateResponse, prices: Prices): UsageRecord {
  const { usage, requestId } = response;
  const costMicroUsd = prices.priceOf({ ...row, usage, reportedCostMicroUsd: response.reportedCostMicroUsd });
  return {
    ...row,
    outcome: "succeeded",
    sent: "yes",
    usage,
    costMicroUsd,
    possiblyBilled: false,
    status: 200,
    requestId,
  };
}

/** Failures after which the vendor may send a bill although nothing proves it. */
const MAY_BE_BILLED: ReadonlySet<ProviderErrorKind> = new Set([
  "timeout",
  "disconnected",
  "invalid-response",
  "aborted",
]);

function failedRow(row: UsageRecord, error: ProviderError, prices: Prices): UsageRecord {
  const { kind, sent, usage, status, parameter, requestId, message } = error;
  const mayWait = kind === "rate-limited" || kind === "overloaded";
  // "Retry-After: 0" says nothing: taken at its word it would mean call after call without a pause.
  const retryAfterMs = mayWait && error.retryAfterMs !== 0 ? error.retryAfterMs : null;
  const possiblyBilled = usage === null && sent !== "no" && (MAY_BE_BILLED.has(kind) || error.hasBegun);
  const costMicroUsd = possiblyBilled ? row.costMicroUsd : failureCost(row, error, prices);
  return {
    ...row,
    outcome: kind,
    sent,
    usage,
    costMicroUsd,
    possiblyBilled,
    status,
    retryAfterMs,
    parameter,
    message,
    requestId,
  };
}

/** Vendors bill refused and cut answers, and say so in the usage; an HTTP error costs nothing. */
function failureCost(row: UsageRecord, error: ProviderError, prices: Prices): number | null {
  const usage: TokenUsage | null = error.usage;
  if (usage === null) return 0;
  return prices.priceOf({ ...row, usage, reportedCostMicroUsd: error.reportedCostMicroUsd });
}
