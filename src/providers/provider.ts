/**
 * The contract between the generation worker and one LLM vendor. It imports nothing, so that a vendor's adapter can be
 * read, tested and replaced alone. What only one vendor has stays in that vendor's `options`.
 */

/** The name an agent file uses in `llm_provider`; the known ones are listed in `registry.ts`. */
export type ProviderId = string;

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Sampling parameters after defaults. Ranges are checked where they enter (the agent schema), not here. */
export interface SamplingParameters {
  /** 0–2, default 0.7. */
  readonly temperature: number;
  /** Upper bound of the completion, in tokens; default 280. */
  readonly maxTokens: number;
  /** 0–1, default 0.9. */
  readonly topP: number;
  /** −2–2, default 0. */
  readonly frequencyPenalty: number;
  /** −2–2, default 0. */
  readonly presencePenalty: number;
  /** Token id → bias −100–100. */
  readonly logitBias?: Readonly<Record<string, number>>;
  /** The end-user id that some vendors use to detect abuse. */
  readonly user?: string;
  readonly stream: boolean;
}

export interface GenerateRequest {
  /** Unique per attempt; sent along where the vendor takes such an id, so that a call can be found in the vendor's log. */
  readonly attemptId: string;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly parameters: SamplingParameters;
  /** Wire names of parameters that this vendor refused earlier: they are left out. */
  readonly omit: readonly string[];
  /** The most that the call may write, reasoning included: `maxTokens` or more. */
  readonly capTokens: number;
  /** The last answer was an empty text that was cut by length; `capTokens` is larger for it. */
  readonly isRecovery: boolean;
  /** Total deadline for the attempt, connecting and reading included. */
  readonly timeoutMs: number;
  /** What only this vendor understands, e.g. the fake provider's `responseStyle`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** With `parameters.stream`: told the whole text so far, each time that there is more of it. Must not throw. */
  readonly onText?: (textSoFar: string) => void;
}

export interface TokenUsage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number;
  /** All billed output tokens, reasoning included, whatever the vendor's own arithmetic is. */
  readonly outputTokens: number;
  /** Part of `inputTokens`. */
  readonly cachedInputTokens: number;
  /** Part of `inputTokens`, none of it cached before: OpenAI charges more for these since GPT-5.6. Absent: none. */
  readonly cacheWriteInputTokens?: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
  /** True when the vendor did not say and the numbers are our estimate. */
  readonly estimated: boolean;
  /** The vendor's own usage object, untouched. */
  readonly raw: unknown;
}

/** Why the model stopped. `other`: a reason that no vendor documented when this was written. */
export type FinishReason = "stop" | "length" | "content-filter" | "other";

/** A parameter that was not sent as configured. `change` says what happened, e.g. `dropped` or `renamed to max_completion_tokens`. */
export interface AdjustedParameter {
  readonly parameter: string;
  readonly change: string;
  readonly why: string;
}

/** What a vendor says about one of its limits, usually in the headers of an answer. */
export interface LimitReport {
  readonly counts: "requests" | "tokens" | "inputTokens" | "outputTokens";
  /** How many of them one period allows. */
  readonly limit: number;
  /** 60,000 or 86,400,000. */
  readonly periodMs: number;
  /** `null`: it did not say. Late and out of order, as answers are: it can be too high by the calls that are under way. */
  readonly remaining: number | null;
}

export interface GenerateResponse {
  /** Never empty: an empty text is a `ProviderError`. */
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly rawFinishReason: string | null;
  /** The model that answered, as the vendor names it. */
  readonly model: string;
  readonly usage: TokenUsage;
  /** What the vendor itself says that the call cost, in micro-USD (1e-6); `null` when it does not say. */
  readonly reportedCostMicroUsd: number | null;
  readonly adjustedParams: readonly AdjustedParameter[];
  /** The vendor's id of the call, for support requests. */
  readonly requestId: string | null;
  /** The vendor's id of the answer itself, e.g. `chatcmpl-…`. Absent: it gave none. */
  readonly responseId?: string | null;
  /** Empty when the vendor says nothing about its limits. */
  readonly limits: readonly LimitReport[];
}

export interface Provider {
  readonly id: ProviderId;
  /** Makes exactly one attempt: no retry inside. Throws `ProviderError` and nothing else. */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResponse>;
  /** Loads what the first call needs, in the background, so that the call finds it there. */
  prepare?(): void;
}
