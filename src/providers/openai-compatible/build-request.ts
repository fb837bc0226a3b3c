import type { OpenAI } from "openai";
import type { AdjustedParameter, GenerateRequest } from "../provider.ts";
import type { CapName, ParameterPolicy, SamplingName } from "./parameter-policy.ts";

export type ChatCompletionsBody = OpenAI.ChatCompletionCreateParamsNonStreaming;

export interface BuiltRequest {
  readonly body: ChatCompletionsBody;
  readonly adjustedParams: readonly AdjustedParameter[];
}

const REFUSED_EARLIER = "the vendor refused it earlier in this job";
const NEEDS_EFFORT_NONE = "this model takes it only without reasoning";

/** The wire body for one attempt, and everything in it that is not as configured. */
export function buildRequest(request: GenerateRequest, policy: ParameterPolicy): BuiltRequest {
  const adjustedParams: AdjustedParameter[] = [];
  const body: ChatCompletionsBody = { model: request.model, messages: [...request.messages] };
  setCap(body, { request, policy, adjustedParams });
  setReasoningEffort(body, { request, policy, adjustedParams });
  setSampling(body, { request, policy, adjustedParams });
  setUser(body, { request, policy, adjustedParams });
  if (request.parameters.stream) {
    adjustedParams.push({
      parameter: "stream",
      change: "dropped",
      why: "answers are taken whole in this version",
    });
  }
  return { body, adjustedParams };
}

interface Building {
  readonly request: GenerateRequest;
  readonly policy: ParameterPolicy;
  readonly adjustedParams: AdjustedParameter[];
}

function setCap(body: ChatCompletionsBody, { request, policy, adjustedParams }: Building): void {
  const { maxTokens } = request.parameters;
  const value = Math.ceil(maxTokens * request.capFactor);
  if (value !== maxTokens) {
    const why = "the last answer was cut off before any text";
    adjustedParams.push({ parameter: "max_tokens", change: `raised from ${maxTokens} to ${value}`, why });
  }
  const name = capName(request, policy);
  if (name === null) {
    adjustedParams.push({ parameter: "max_tokens", change: "dropped", why: REFUSED_EARLIER });
    return;
  }
  body[name] = value;
  if (name === "max_tokens") return;
  const why = policy.cap === name ? "the name that this model takes" : REFUSED_EARLIER;
  adjustedParams.push({ parameter: "max_tokens", change: `renamed to ${name}`, why });
}

/** The other name is tried when the vendor refused the first: without any cap an answer could cost anything. */
function capName({ omit }: GenerateRequest, { cap }: ParameterPolicy): CapName | null {
  if (!omit.includes(cap)) return cap;
  const other = cap === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  return omit.includes(other) ? null : other;
}

function setReasoningEffort(body: ChatCompletionsBody, { request, policy, adjustedParams }: Building): void {
  const parameter = "reasoning_effort";
  if (policy.reasoningEffort === null) return;
  if (request.omit.includes(parameter)) {
    adjustedParams.push({ parameter, change: "dropped", why: REFUSED_EARLIER });
    return;
  }
  body.reasoning_effort = policy.reasoningEffort;
  const why = "reasoning is billed as output and counts against max_tokens";
  adjustedParams.push({ parameter, change: `set to ${policy.reasoningEffort}`, why });
}

function setSampling(body: ChatCompletionsBody, { request, policy, adjustedParams }: Building): void {
  const { parameters, omit } = request;
  const reasons = policy.samplingNeedsEffortNone && body.reasoning_effort !== "none";
  const take = (parameter: SamplingName): boolean => {
    const why = omit.includes(parameter)
      ? REFUSED_EARLIER
      : (policy.refused[parameter] ?? (reasons ? NEEDS_EFFORT_NONE : null));
    if (why !== null) adjustedParams.push({ parameter, change: "dropped", why });
    return why === null;
  };
  if (take("temperature")) body.temperature = parameters.temperature;
  if (take("top_p")) body.top_p = parameters.topP;
  // Zero is what every vendor does anyway, but some models refuse even the zero.
  if (parameters.frequencyPenalty !== 0 && take("frequency_penalty")) {
    body.frequency_penalty = parameters.frequencyPenalty;
  }
  if (parameters.presencePenalty !== 0 && take("presence_penalty")) {
    body.presence_penalty = parameters.presencePenalty;
  }
  if (parameters.logitBias !== undefined && take("logit_bias")) body.logit_bias = { ...parameters.logitBias };
}

function setUser(body: ChatCompletionsBody, { request, adjustedParams }: Building): void {
  const { user } = request.parameters;
  if (user === undefined) return;
  if (request.omit.includes("user")) {
    adjustedParams.push({ parameter: "user", change: "dropped", why: REFUSED_EARLIER });
    return;
  }
  // OpenAI would rather have `safety_identifier`, but still takes `user`, and so does everybody else.
  // oxlint-disable-next-line typescript/no-deprecated
  body.user = user;
}
