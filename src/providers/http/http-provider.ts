import { ProviderError, type ProviderErrorFacts, type ProviderErrorKind, type Sent } from "../provider-error.ts";
import type { AdjustedParameter, GenerateRequest, GenerateResponse, Provider, ProviderId } from "../provider.ts";
import { classifyError, type Classification } from "./classify-error.ts";
import { estimateUsage } from "./estimate-usage.ts";
import type { HttpAnswer, HttpExchange, HttpFailure } from "./http-exchange.ts";
import type { HttpTransport } from "./http-transport.ts";
import { isRecord } from "../../platform/field-fault.ts";
import { withoutKnownSecrets } from "../../platform/secrets.ts";
import { parseJson } from "./json.ts";
import { limitReports } from "./limit-headers.ts";
import { noAnswer, readBody, type ReadAnswer } from "./read-answer.ts";
import { redact } from "./redact.ts";
import { StreamReader, type StreamAssembler } from "./stream-reader.ts";

export interface BuiltRequest<Body> {
  readonly body: Body;
  readonly adjustedParams: readonly AdjustedParameter[];
}

/** All that differs between vendors that are called over HTTP. */
export interface Dialect<Body> {
  readonly id: ProviderId;
  /** Headers of its own, lower case: others than those of `HttpExchange` are not sent. */
  readonly sentHeaders: readonly string[];
  /** The wire body of one attempt, and everything in it that is not as configured. */
  build(request: GenerateRequest): BuiltRequest<Body>;
  /** Sends through the vendor's package. What it returns or throws says less than the exchange, which knows. */
  send(body: Body, call: { readonly exchange: HttpExchange; readonly request: GenerateRequest }): Promise<unknown>;
  /** What a 2xx body says. Never throws; `null`: it is no answer of this vendor's. */
  readonly read: (body: unknown) => ReadAnswer | null;
  openStream(): StreamAssembler;
  /** Loads the vendor's package. */
  prepare(): Promise<unknown>;
}

export interface HttpContext {
  readonly transport: HttpTransport;
  /** Epoch ms; default `Date.now`. */
  readonly now?: () => number;
}

/** A provider whose requests are built and sent by the vendor's package; the answers are read here. */
export function createHttpProvider<Body>(dialect: Dialect<Body>, context: HttpContext): Provider {
  const generate = async (request: GenerateRequest, signal: AbortSignal): Promise<GenerateResponse> => {
    const { body, adjustedParams } = dialect.build(request);
    await dialect.prepare().catch((error: unknown) => {
      throw packageError(dialect, error);
    });
    const stream = request.parameters.stream ? new StreamReader(dialect.openStream(), request.onText) : null;
    const exchange = context.transport.open({
      signal,
      timeoutMs: request.timeoutMs,
      sentHeaders: dialect.sentHeaders,
      ...(stream !== null && { onEvent: (event) => stream.take(event) }),
    });
    // Not the package's error: it quotes the header that it could not build, key included.
    await dialect.send(body, { exchange, request }).catch(() => undefined);
    const call: Call = { dialect, request, adjustedParams, stream, now: context.now ?? Date.now };
    return respond(call, exchange.outcome);
  };
  return { id: dialect.id, generate, prepare: () => void dialect.prepare().catch(() => undefined) };
}

/** The worker lacks something; the providers that come after it may work all the same. */
function packageError({ id }: Pick<Dialect<unknown>, "id">, error: unknown): ProviderError {
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  const message = `the package that calls ${id} could not be loaded${code}; is it installed?`;
  return new ProviderError(message, { kind: "network", provider: id, sent: "no" });
}

interface Call {
  readonly dialect: Pick<Dialect<unknown>, "id" | "read">;
  readonly request: GenerateRequest;
  readonly adjustedParams: readonly AdjustedParameter[];
  readonly stream: StreamReader | null;
  readonly now: () => number;
}

/**
 * What an answer means that came with others in one file, as if it had come by itself.
 * @throws ProviderError
 */
export function respondToRow(
  dialect: Call["dialect"],
  request: GenerateRequest,
  {
    answer,
    adjustedParams,
    now,
  }: {
    readonly answer: HttpAnswer;
    readonly adjustedParams: readonly AdjustedParameter[];
    readonly now: () => number;
  },
): GenerateResponse {
  return respond({ dialect, request, adjustedParams, stream: null, now }, { answer });
}

function respond(call: Call, outcome: HttpExchange["outcome"]): GenerateResponse {
  if (outcome === null) {
    throw callError(call, "the request could not be built", { kind: "invalid-request", sent: "no" });
  }
  if ("failure" in outcome) return afterFailure(call, outcome.failure);
  const { answer } = outcome;
  if (answer.status < 200 || answer.status >= 300) throw statusError(call, answer);
  if (answer.isStream && call.stream !== null) return afterStream(call, call.stream, answer);
  const body = parseJson(answer.text);
  if (isErrorAlone(body)) throw errorAfter200(call, body, answer);
  return toResponse(call, readBody(answer.text, body, call.dialect.read), answer);
}

type AnswerHead = Pick<HttpAnswer, "status" | "headers">;

/** Gateways and xAI also put errors into a 200. */
function isErrorAlone(body: unknown): boolean {
  if (!isRecord(body) || (body["error"] ?? null) === null) return false;
  return ["choices", "content", "candidates"].every((name) => body[name] === undefined);
}

function afterStream(call: Call, stream: StreamReader, head: AnswerHead): GenerateResponse {
  if (stream.error !== null) throw errorAfter200(call, stream.error, head);
  const whole = stream.whole();
  const read = whole === null ? null : call.dialect.read(whole);
  return toResponse(call, read ?? noAnswer("the stream ended before the answer did"), head);
}

/** An answer that was complete when its connection broke is as good as any: it was paid for. */
function afterFailure(call: Call, failure: HttpFailure): GenerateResponse {
  const { stream } = call;
  const { status, headers, isStream } = failure;
  const isOver = isStream && stream !== null && (stream.error !== null || stream.whole() !== null);
  if (isOver && status !== null) return afterStream(call, stream, { status, headers });
  throw failureError(call, failure);
}

function toResponse(call: Call, read: ReadAnswer, { status, headers }: AnswerHead): GenerateResponse {
  const { outcome, usage, reportedCostMicroUsd } = read;
  const requestId = requestIdOf(headers) ?? read.id;
  const limits = limitReports(headers);
  if ("kind" in outcome) {
    const facts = { kind: outcome.kind, status, usage, reportedCostMicroUsd, requestId, limits, hasBegun: true };
    throw callError(call, `HTTP ${status}: ${outcome.message}`, facts);
  }
  return {
    text: withoutKnownSecrets(outcome.text),
    finishReason: read.finishReason,
    rawFinishReason: told(read.rawFinishReason),
    model: told(read.model) ?? call.request.model,
    usage: usage ?? estimateUsage(call.request.messages, outcome.text, hiddenTokensOf(call.request)),
    reportedCostMicroUsd,
    adjustedParams: call.adjustedParams,
    requestId: told(requestId),
    responseId: told(read.id),
    limits,
  };
}

/** What a model may have reasoned unseen: the room that it was given for that. */
function hiddenTokensOf({ capTokens, parameters: { maxTokens }, isRecovery }: GenerateRequest): number {
  return isRecovery ? 0 : Math.max(0, capTokens - maxTokens);
}

/** `x-request-id` of OpenAI and those who follow it, `request-id` of Anthropic. */
function requestIdOf(headers: HttpAnswer["headers"]): string | null {
  return headers["x-request-id"] ?? headers["request-id"] ?? null;
}

function statusError(call: Call, { status, headers, text }: HttpAnswer): ProviderError {
  const { message, code, ...facts } = classify(call, parseJson(text), { status, headers });
  return callError(call, `HTTP ${status}${message === "" ? "" : `: ${message}`}`, {
    ...facts,
    code,
    status,
    requestId: requestIdOf(headers),
    limits: limitReports(headers),
  });
}

/** The vendor had already said 200 when it found out: its error is judged by what it says. */
function errorAfter200(call: Call, body: unknown, { status, headers }: AnswerHead): ProviderError {
  const where = call.stream?.error === body ? "in the stream" : "in place of an answer";
  const { message, code, kind, ...facts } = classify(call, body, { status: null, headers });
  return callError(call, `HTTP ${status}, then an error ${where}: ${message}`, {
    ...facts,
    kind,
    code,
    status,
    hasBegun: call.stream?.hasBegun === true,
    requestId: requestIdOf(headers),
    limits: limitReports(headers),
  });
}

/** By what the vendor says, without what it quotes of us: a prompt can have any word in it. */
function classify(
  { request, now }: Call,
  body: unknown,
  head: { readonly status: number | null; readonly headers: HttpAnswer["headers"] },
): Classification {
  return classifyError({ ...head, body, now: now(), quoted: request.messages });
}

/** What each way to fail means: which kind, whether the vendor may have seen the request, and what to tell people. */
function failureError(call: Call, { reason, sent, status, code, why, isStream }: HttpFailure): ProviderError {
  const withCode = code === null ? "" : ` (${code})`;
  const { timeoutMs } = call.request;
  const fail = (kind: ProviderErrorKind, seen: Sent, message: string): ProviderError =>
    callError(call, message, { kind, sent: seen, status, code });
  switch (reason) {
    case "unreachable":
      return fail("network", "no", `no connection${withCode}`);
    case "refused-address":
      return fail("refused-address", "no", why);
    case "certificate":
      return fail("certificate", "no", `TLS failed${withCode}`);
    case "disconnected":
      return isStream
        ? fail("invalid-response", "yes", `the stream broke off${withCode}`)
        : fail("disconnected", "unknown", `the connection broke before the answer was complete${withCode}`);
    case "aborted":
      return fail("aborted", sent ? "unknown" : "no", "stopped by us");
    case "deadline":
      return sent
        ? fail("timeout", "unknown", `no complete answer within ${timeoutMs} ms`)
        : fail("network", "no", `no connection within ${timeoutMs} ms`);
    case "stalled":
      return fail("timeout", "unknown", `the ${isStream ? "stream" : "answer"} stood still`);
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
  return new ProviderError(redactFor(call, message), {
    ...{ sent: "yes", ...facts, provider: call.dialect.id },
    code: facts.code == null ? null : redactFor(call, facts.code),
    parameter: told(facts.parameter),
    requestId: told(facts.requestId),
  });
}

/** Some servers send back all that they were sent, in fields where nobody expects it. */
function told(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : withoutKnownSecrets(text);
}

function redactFor({ request }: Call, text: string): string {
  return redact(text, request.messages);
}
