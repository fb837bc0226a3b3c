import { OpenAI } from "openai";
import { ProviderError, type ProviderErrorFacts, type ProviderErrorKind, type Sent } from "../provider-error.ts";
import type { GenerateRequest, GenerateResponse, Provider, ProviderId } from "../provider.ts";
import { buildRequest, type BuiltRequest } from "./build-request.ts";
import { classifyError } from "./classify-error.ts";
import { estimateUsage, type ReasoningTokens } from "./convert-usage.ts";
import type { HttpAnswer, HttpExchange, HttpFailure } from "./http-exchange.ts";
import type { HttpTransport } from "./http-transport.ts";
import { limitReports } from "./limit-headers.ts";
import type { ParameterPolicy } from "./parameter-policy.ts";
import { parseJson, readCompletion } from "./read-completion.ts";
import { redact } from "./redact.ts";

/** All that differs between vendors that speak chat completions. */
export interface ChatCompletionsVendor {
  readonly id: ProviderId;
  /** Without `/chat/completions` and without a trailing slash. */
  readonly baseUrl: string;
  /** `null`: the server wants none. */
  readonly apiKey: string | null;
  readonly organization?: string | undefined;
  readonly reasoningTokens: ReasoningTokens;
  readonly parameterPolicy: (model: string) => ParameterPolicy;
  /** The vendor keeps `x-client-request-id` in its log, so the attempt id is sent in it. */
  readonly takesClientRequestId: boolean;
}

export interface ChatCompletionsContext {
  readonly transport: HttpTransport;
  /** Epoch ms; default `Date.now`. */
  readonly now?: () => number;
}

/** A provider on the openai package: it builds and sends the request, the answer is read here. */
export function createChatCompletions(vendor: ChatCompletionsVendor, context: ChatCompletionsContext): Provider {
  const client = createClient(vendor, context.transport);
  const now = context.now ?? Date.now;

  const generate = async (request: GenerateRequest, signal: AbortSignal): Promise<GenerateResponse> => {
    const built = buildRequest(request, vendor.parameterPolicy(request.model));
    const exchange = context.transport.open({ signal, timeoutMs: request.timeoutMs });
    await send(built.body, exchange, request.attemptId);
    const call: Call = { vendor, request, now };
    const { outcome } = exchange;
    // Not the SDK's error: it quotes the header that it could not build, key included.
    if (outcome === null) {
      throw callError(call, "the request could not be built", { kind: "invalid-request", sent: "no" });
    }
    if ("failure" in outcome) throw failureError(call, outcome.failure);
    return readAnswer(call, outcome.answer, built);
  };

  /** Settles without throwing: the exchange knows the outcome, and better than the SDK's error does. */
  const send = async (body: BuiltRequest["body"], exchange: HttpExchange, attemptId: string): Promise<void> => {
    const headers = vendor.takesClientRequestId ? { "X-Client-Request-Id": attemptId } : {};
    const options = { headers, fetchOptions: { agent: exchange } };
    await client.chat.completions
      .create(body, options)
      .asResponse()
      .catch(() => undefined);
  };

  return { id: vendor.id, generate };
}

/** Everything is given, so that the SDK takes nothing from the environment. */
function createClient({ apiKey, baseUrl, organization }: ChatCompletionsVendor, transport: HttpTransport): OpenAI {
  return new OpenAI({
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    baseURL: baseUrl,
    organization: organization ?? null,
    project: null,
    webhookSecret: null,
    // OPENAI_CUSTOM_HEADERS is read all the same; these win over it, and the transport sends no others.
    defaultHeaders: {
      Authorization: apiKey === null ? null : `Bearer ${apiKey}`,
      "OpenAI-Organization": organization ?? null,
      "User-Agent": "puppet-engine-generation-worker",
    },
    logLevel: "off",
    maxRetries: 0,
    fetch: transport.fetch,
  });
}

interface Call {
  readonly vendor: ChatCompletionsVendor;
  readonly request: GenerateRequest;
  readonly now: () => number;
}

function readAnswer(call: Call, answer: HttpAnswer, { adjustedParams }: BuiltRequest): GenerateResponse {
  if (answer.status < 200 || answer.status >= 300) throw statusError(call, answer);
  const { vendor, request } = call;
  const completion = readCompletion(answer.text, vendor.reasoningTokens);
  const { outcome, usage, reportedCostMicroUsd } = completion;
  const requestId = answer.headers["x-request-id"] ?? completion.id;
  const limits = limitReports(answer.headers);
  if ("kind" in outcome) {
    const facts = { kind: outcome.kind, status: answer.status, usage, reportedCostMicroUsd, requestId, limits };
    throw callError(call, `HTTP ${answer.status}: ${outcome.message}`, facts);
  }
  return {
    text: outcome.text,
    finishReason: completion.finishReason,
    rawFinishReason: completion.rawFinishReason,
    model: completion.model ?? request.model,
    usage: usage ?? estimateUsage(request.messages, outcome.text),
    reportedCostMicroUsd,
    adjustedParams,
    requestId,
    limits,
  };
}

function statusError(call: Call, { status, headers, text }: HttpAnswer): ProviderError {
  const classified = classifyError({ status, headers, body: parseJson(text), now: call.now() });
  const { message, code, ...facts } = classified;
  const detail = status < 400 ? "a redirect, which is not followed" : message;
  return callError(call, `HTTP ${status}${detail === "" ? "" : `: ${detail}`}`, {
    ...facts,
    code: code === null ? null : redactFor(call, code),
    status,
    requestId: headers["x-request-id"] ?? null,
    limits: limitReports(headers),
  });
}

/** What each way to fail means: which kind, whether the vendor may have seen the request, and what to tell people. */
function failureError(call: Call, { reason, sent, status, code }: HttpFailure): ProviderError {
  const withCode = code === null ? "" : ` (${code})`;
  const { timeoutMs } = call.request;
  const fail = (kind: ProviderErrorKind, seen: Sent, message: string): ProviderError =>
    callError(call, message, { kind, sent: seen, status, code });
  switch (reason) {
    case "unreachable":
      return fail("network", "no", `no connection${withCode}`);
    case "certificate":
      return fail("certificate", "no", `TLS failed${withCode}`);
    case "disconnected":
      return fail("disconnected", "unknown", `the connection broke before the answer was complete${withCode}`);
    case "aborted":
      return fail("aborted", sent ? "unknown" : "no", "stopped by us");
    case "deadline":
      return sent
        ? fail("timeout", "unknown", `no complete answer within ${timeoutMs} ms`)
        : fail("network", "no", `no connection within ${timeoutMs} ms`);
    case "stalled":
      return fail("timeout", "unknown", "the answer stood still");
    case "too-large":
      return fail("invalid-response", "yes", "the answer is larger than 4 MiB and was cut off");
    case "malformed":
      return fail("invalid-response", "yes", `the answer is not HTTP${withCode}`);
    default:
      return reason satisfies never;
  }
}

type CallFacts = Omit<ProviderErrorFacts, "provider" | "sent"> & { readonly sent?: Sent };

/** No cause: what lies beneath can hold the raw answer and the request. */
function callError(call: Call, message: string, facts: CallFacts): ProviderError {
  return new ProviderError(redactFor(call, message), { sent: "yes", ...facts, provider: call.vendor.id });
}

function redactFor({ vendor, request }: Call, text: string): string {
  return redact(text, vendor.apiKey, request.messages);
}
