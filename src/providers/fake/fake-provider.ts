import { showValue } from "../../platform/problem.ts";
import type { ProviderDefinition } from "../definition.ts";
import { estimateUsage } from "../http/estimate-usage.ts";
import { ProviderError, type ProviderErrorFacts, type ProviderErrorKind, type Sent } from "../provider-error.ts";
import type { FinishReason, GenerateRequest, GenerateResponse, Provider, TokenUsage } from "../provider.ts";
import { createFakeBatches } from "./fake-batches.ts";
import models from "./models.json" with { type: "json" };
import { RESPONSE_STYLES, type ResponseStyle } from "./phrases.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";
import { tellText } from "./tell-text.ts";
import { sliceWhole, writeText } from "./write-text.ts";

/** Everything follows from `seed` and the attempt: the same attempt always ends the same way, with the same text. */
export interface FakeProviderOptions {
  /** Default "fake". */
  readonly seed?: string;
  /** Default `helpful`; an agent's own `responseStyle` wins. */
  readonly style?: ResponseStyle;
  /** Default false; an agent's own `includePrompt` wins. */
  readonly includePrompt?: boolean;
  /** How long an answer takes, fixed or between two bounds. Default 0. */
  readonly latencyMs?: number | { readonly min: number; readonly max: number };
  /** Share of attempts that fail with `failWith`, 0–1. Default 0. */
  readonly failureRate?: number;
  /** Default `overloaded`. */
  readonly failWith?: ProviderErrorKind;
  /** Share of the other attempts that are refused for their content, 0–1; the usage is charged. Default 0. */
  readonly refuseRate?: number;
}

export const FAKE: ProviderDefinition = {
  id: "fake",
  title: "Fake",
  keyVariables: [],
  keyPoolVariables: [],
  modelVariable: null,
  endpointVariable: null,
  organizationVariable: null,
  needsKey: false,
  defaultModel: "fake-1",
  defaultBaseUrl: null,
  callPath: "",
  limited: false,
  limitGroups: ["model", "key"],
  isFree: true,
  models,
  modelList: null,
  batch: ({ options }) => createFakeBatches(createFake(options)),
  create: ({ options }) => createFake(options),
};

/**
 * Answers without a network, a key or a price: for demonstrations, tests and benchmarks. With `stream` it tells its text
 * word by word, spread over its latency.
 */
export function createFake(options: FakeProviderOptions = {}): Provider {
  const seed = options.seed ?? "fake";
  return {
    id: "fake",
    generate: async (request, signal) => {
      if (signal.aborted) throw failure("aborted", { sent: "no" });
      const latencyMs = latency(options.latencyMs ?? 0, seededRandom(seed, request.attemptId, "latency").next());
      const answer = respond(request, options, seed);
      const failed = failureOf(options, answer, seededRandom(seed, request.attemptId, "chance"));
      const onText = request.parameters.stream ? request.onText : undefined;
      const text = failed === null ? answer.text : textBefore(failed, answer.text);
      const ending = await tellText({ text, latencyMs, onText }, request.timeoutMs, signal);
      if (ending !== "told") throw failure(ending);
      if (failed !== null) throw failed;
      return answer;
    },
  };
}

/** `null`: it succeeds. */
function failureOf(
  { failureRate = 0, failWith = "overloaded", refuseRate = 0 }: FakeProviderOptions,
  { usage }: GenerateResponse,
  chance: SeededRandom,
): ProviderError | null {
  if (chance.next() < failureRate) return failure(failWith);
  return chance.next() < refuseRate ? failure("content-filtered", { usage }) : null;
}

/** Failures of an answer that had begun: half of its text is told before. The others are errors from the start. */
const BREAKS_OFF: ReadonlySet<ProviderErrorKind> = new Set(["disconnected", "invalid-response", "content-filtered"]);

function textBefore({ kind }: ProviderError, text: string): string {
  return BREAKS_OFF.has(kind) ? sliceWhole(text, Math.ceil(text.length / 2)) : "";
}

function latency(range: NonNullable<FakeProviderOptions["latencyMs"]>, share: number): number {
  return typeof range === "number" ? range : range.min + share * (range.max - range.min);
}

function respond(request: GenerateRequest, options: FakeProviderOptions, seed: string): GenerateResponse {
  const { messages, attemptId, model } = request;
  const random = seededRandom(seed, attemptId, JSON.stringify(messages));
  const { style, includePrompt } = readOptions(request.options, options);
  const whole = writeText(messages, { style, includePrompt, random });
  if (whole.trim() === "") throw failure("invalid-response");
  const { text, finishReason } = capped(whole, request.capTokens);
  return {
    text,
    finishReason,
    rawFinishReason: finishReason,
    model,
    usage: usageOf(messages, text),
    reportedCostMicroUsd: null,
    adjustedParams: [],
    requestId: `fake-${attemptId}`,
    limits: [],
  };
}

function readOptions(
  own: GenerateRequest["options"],
  defaults: FakeProviderOptions,
): { style: ResponseStyle; includePrompt: boolean } {
  const wanted = own["responseStyle"] ?? defaults.style ?? "helpful";
  const style = RESPONSE_STYLES.find((known) => known === wanted);
  if (style === undefined) {
    const message = `responseStyle: got ${showValue(wanted)}; expected one of ${RESPONSE_STYLES.join(", ")}`;
    throw failure("invalid-request", { sent: "no", message });
  }
  return { style, includePrompt: (own["includePrompt"] ?? defaults.includePrompt) === true };
}

const CHARACTERS_PER_TOKEN = 4;

function capped(text: string, maxTokens: number): { text: string; finishReason: FinishReason } {
  const maxCharacters = maxTokens * CHARACTERS_PER_TOKEN;
  return text.length <= maxCharacters
    ? { text, finishReason: "stop" }
    : { text: sliceWhole(text, maxCharacters), finishReason: "length" };
}

/** The fake's own count, and so not an estimate. */
function usageOf(messages: GenerateRequest["messages"], text: string): TokenUsage {
  return { ...estimateUsage(messages, text), estimated: false };
}

/** What a real vendor's error of this kind looks like. */
const FACTS: Readonly<Record<ProviderErrorKind, Omit<ProviderErrorFacts, "kind" | "provider" | "usage">>> = {
  "rate-limited": { sent: "yes", status: 429, retryAfterMs: 1000 },
  "request-too-large": { sent: "yes", status: 429 },
  overloaded: { sent: "yes", status: 503 },
  network: { sent: "no" },
  disconnected: { sent: "unknown" },
  timeout: { sent: "unknown" },
  certificate: { sent: "no" },
  "refused-address": { sent: "no" },
  "invalid-response": { sent: "yes", status: 200 },
  "truncated-empty": { sent: "yes", status: 200 },
  "quota-exhausted": { sent: "yes", status: 429 },
  authentication: { sent: "yes", status: 401 },
  "model-not-found": { sent: "yes", status: 404 },
  "unsupported-parameter": { sent: "yes", status: 400, parameter: "temperature" },
  "invalid-request": { sent: "yes", status: 400 },
  "context-too-long": { sent: "yes", status: 400 },
  "content-filtered": { sent: "yes", status: 200 },
  aborted: { sent: "unknown" },
};

interface FailureDetails {
  readonly usage?: TokenUsage;
  readonly sent?: Sent;
  readonly message?: string;
}

function failure(kind: ProviderErrorKind, details: FailureDetails = {}): ProviderError {
  const { message = `the fake provider was told to fail: ${kind}`, ...facts } = details;
  return new ProviderError(message, { ...FACTS[kind], ...facts, kind, provider: "fake" });
}
