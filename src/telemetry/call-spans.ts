import { SpanKind, SpanStatusCode, trace, type Attributes } from "@opentelemetry/api";
import type { TraceCall, TracedCall, TracedOutcome } from "../generation/trace-call.ts";
import type { GenerateResponse, TokenUsage } from "../providers/provider.ts";

/** The instrumentation scope of our own spans; BullMQ's have `bullmq`. */
const TRACER_NAME = "puppet-engine";

/** Where a provider's API is. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** The conventions' names of providers; any other keeps our own. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = { grok: "x_ai", gemini: "gcp.gemini" };

/**
 * A span per provider call, as the semantic conventions for generative AI have it ("Inference", status Development):
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
 * Nothing of what was asked or answered, no message of a vendor and no key is ever an attribute: only numbers, names
 * and ids.
 * @param servers by provider
 */
export function createCallTracer(servers: ReadonlyMap<string, ServerAddress>): TraceCall {
  const tracer = trace.getTracer(TRACER_NAME);
  return async (call, make) => {
    const { provider, model } = call.intent;
    const options = { kind: SpanKind.CLIENT, attributes: startAttributes(call, servers.get(provider)) };
    return await tracer.startActiveSpan(`chat ${model}`, options, async (span) => {
      try {
        const outcome = await make();
        span.setAttributes({ ...requestAttributes(call, outcome.response), ...outcomeAttributes(outcome) });
        if (outcome.row.outcome !== "succeeded") span.setStatus({ code: SpanStatusCode.ERROR });
        return outcome;
      } finally {
        span.end();
      }
    });
  };
}

/** Those that samplers decide by must be there from the start. */
function startAttributes({ intent, lane }: TracedCall, server: ServerAddress | undefined): Attributes {
  const { provider, model, jobId, agentId, attempt, request, kind } = intent;
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": PROVIDER_NAMES[provider] ?? provider,
    "gen_ai.request.model": model,
    ...(server === undefined ? {} : { "server.address": server.address, "server.port": server.port }),
    "puppet.job.id": jobId,
    "puppet.job.kind": kind,
    "puppet.agent.id": agentId,
    "puppet.attempt": attempt,
    "puppet.request": request,
    "puppet.lane": lane,
  };
}

/** As they were sent, which is known once there is an answer: some models do not take them all. */
function requestAttributes({ parameters, capTokens }: TracedCall, response: GenerateResponse | null): Attributes {
  const { temperature, topP, frequencyPenalty, presencePenalty, stream } = parameters;
  const configured: Readonly<Record<string, number>> = {
    ...{ temperature, top_p: topP, max_tokens: capTokens },
    // Zero is not sent.
    ...(frequencyPenalty === 0 ? {} : { frequency_penalty: frequencyPenalty }),
    ...(presencePenalty === 0 ? {} : { presence_penalty: presencePenalty }),
  };
  const adjusted = response?.adjustedParams ?? [];
  const dropped = new Set(adjusted.filter(({ change }) => change === "dropped").map(({ parameter }) => parameter));
  const sent = Object.entries(configured).filter(([name]) => !dropped.has(name));
  return {
    ...Object.fromEntries(sent.map(([name, value]) => [`gen_ai.request.${name}`, value])),
    ...(stream && !dropped.has("stream") ? { "gen_ai.request.stream": true } : {}),
  };
}

function outcomeAttributes({ row, response }: TracedOutcome): Attributes {
  const { outcome, status, costMicroUsd, requestId, usage } = row;
  return {
    ...(response === null ? {} : responseAttributes(response)),
    ...(usage === null ? {} : usageAttributes(usage)),
    ...(outcome === "succeeded" ? {} : { "error.type": outcome }),
    ...(status === null ? {} : { "http.response.status_code": status }),
    ...(requestId === null ? {} : { "puppet.request.id": requestId }),
    ...(costMicroUsd === null ? {} : { "puppet.cost.micro_usd": costMicroUsd }),
  };
}

function responseAttributes({ model, finishReason, responseId }: GenerateResponse): Attributes {
  return {
    "gen_ai.response.model": model,
    "gen_ai.response.finish_reasons": [finishReason],
    ...(responseId == null ? {} : { "gen_ai.response.id": responseId }),
  };
}

function usageAttributes(usage: TokenUsage): Attributes {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, estimated } = usage;
  return {
    "gen_ai.usage.input_tokens": inputTokens,
    "gen_ai.usage.output_tokens": outputTokens,
    "gen_ai.usage.cache_read.input_tokens": cachedInputTokens,
    "gen_ai.usage.reasoning.output_tokens": reasoningTokens,
    "puppet.usage.estimated": estimated,
  };
}
