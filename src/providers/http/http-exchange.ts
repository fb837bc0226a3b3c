import type { Dispatcher } from "undici";
import { RefusedAddressError } from "../../platform/checked-lookup.ts";
import { createEventDecoder, type EventDecoder, type StreamEvent } from "./event-decoder.ts";
import { MOST_ANSWER_BYTES } from "./read-capped.ts";

/** A stream wraps every token into some 300 bytes, and nothing of it is kept. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024;

/** `over`: nothing that comes later counts, and the call need not wait for it. */
export type StreamState = "goes-on" | "over" | "too-large";

/** How long a server may take to end a stream that is over, so that its connection can be used again. */
const DRAIN_MS = 1000;

export interface CallOptions {
  readonly signal: AbortSignal;
  /** From sending to the last byte of the body, connecting included. */
  readonly timeoutMs: number;
  /** Lower-case names of headers that are sent besides `SENT_HEADERS`. */
  readonly sentHeaders?: readonly string[];
  /** Told every server-sent event of a 2xx answer that is a stream. Must not throw. */
  readonly onEvent?: (event: StreamEvent) => StreamState;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; of a repeated header the first value. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty when the answer was a stream. */
  readonly text: string;
  /** It came as events. */
  readonly isStream: boolean;
}

/**
 * - `unreachable`: refused, DNS, connect time-out, or the connection broke before the request was written.
 * - `disconnected`: it broke afterwards.
 * - `deadline`: the time was up.
 * - `stalled`: nothing more of the body came for a while.
 * - `aborted`: the caller's signal.
 * - `certificate`: TLS could not be agreed on.
 * - `refused-address`: the host is at an address that we do not connect to.
 * - `too-large`: the body passed the limit and was cut off.
 * - `malformed`: what came is not HTTP.
 */
export type HttpFailureReason =
  | "unreachable"
  | "refused-address"
  | "disconnected"
  | "deadline"
  | "stalled"
  | "aborted"
  | "certificate"
  | "too-large"
  | "malformed";

export interface HttpFailure {
  readonly reason: HttpFailureReason;
  /** Whether the request was handed to an open connection: false means that the vendor cannot have seen it. */
  readonly sent: boolean;
  /** Status of the answer that broke off. */
  readonly status: number | null;
  /** Of the answer that broke off; empty: there was none. */
  readonly headers: HttpAnswer["headers"];
  /** It was a stream that broke off. */
  readonly isStream: boolean;
  /** Of the socket or of undici, e.g. `ECONNREFUSED`. */
  readonly code: string | null;
  /** Of `refused-address`: why, and what to do; else empty. */
  readonly why: string;
}

export type HttpOutcome = { readonly answer: HttpAnswer } | { readonly failure: HttpFailure };

/** Only these are sent. The SDKs add details about this machine, and whatever OPENAI_CUSTOM_HEADERS says. */
const SENT_HEADERS = [
  "authorization",
  "content-type",
  "accept",
  "user-agent",
  "openai-organization",
  "x-client-request-id",
] as const;

const utf8 = new TextDecoder();

/**
 * One POST: written once, read whole or as events, never redirected, never repeated. `outcome` is set when `send` has settled and
 * says more than the error that `send` throws. It is undici's dispatch handler itself, which is cheaper than
 * `request()` (no stream) and tells when the request is about to be written.
 */
export class HttpExchange implements Dispatcher.DispatchHandler {
  outcome: HttpOutcome | null = null;

  readonly #dispatcher: Dispatcher;
  readonly #options: CallOptions;
  #controller: Dispatcher.DispatchController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #status: number | null = null;
  #headers: Record<string, string> = {};
  #body: Buffer = Buffer.alloc(0);
  #bodyBytes = 0;
  #events: EventDecoder | null = null;
  #settle: ((outcome: HttpOutcome) => void) | null = null;

  constructor(dispatcher: Dispatcher, options: CallOptions) {
    this.#dispatcher = dispatcher;
    this.#options = options;
  }

  /** For SDKs that take a `fetch` per call. */
  readonly fetch: SdkFetch = async (url, init) => {
    const href = url instanceof Request ? url.url : url.toString();
    return asResponse(await this.send(href, init?.headers, init?.body));
  };

  send(url: string, headers: unknown, body: unknown): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = (outcome) => {
        if ("answer" in outcome) resolve(outcome.answer);
        else reject(new Error(`the call failed: ${outcome.failure.reason}`));
      };
      const { signal, timeoutMs } = this.#options;
      if (signal.aborted) return this.#fail("aborted", null);
      signal.addEventListener("abort", this.#onAbort);
      this.#timer = setTimeout(() => this.#stop("deadline"), timeoutMs);
      this.#dispatch(new URL(url), headers as Headers, body as string);
    });
  }

  #dispatch({ origin, pathname, search }: URL, headers: Headers, body: string): void {
    const sent: Record<string, string> = {};
    for (const name of [...SENT_HEADERS, ...(this.#options.sentHeaders ?? [])]) {
      const value = headers.get(name);
      if (value !== null) sent[name] = value;
    }
    try {
      this.#dispatcher.dispatch({ origin, path: pathname + search, method: "POST", headers: sent, body }, this);
    } catch (error) {
      this.#fail("unreachable", codeOf(error));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Settled while waiting for a connection: nothing has been written, and nothing will be.
    if (this.outcome !== null) return controller.abort(new Error("the call is over"));
    this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) {
      this.#headers[name] = String(Array.isArray(value) ? value[0] : value);
    }
    if (Number(this.#headers["content-length"]) > MOST_ANSWER_BYTES) return this.#stop("too-large");
    const { onEvent } = this.#options;
    const isStream = status < 300 && /^text\/event-stream\b/i.test(this.#headers["content-type"] ?? "");
    if (onEvent === undefined || !isStream) return;
    this.#events = createEventDecoder(MOST_ANSWER_BYTES, (event) => {
      if (this.outcome !== null) return;
      const state = onEvent(event);
      if (state === "too-large") this.#stop("too-large");
      else if (state === "over") this.#endStream();
    });
  }

  #endStream(): void {
    this.#finish({ answer: { status: this.#status ?? 0, headers: this.#headers, text: "", isStream: true } });
    this.#timer = setTimeout(() => this.#controller?.abort(new Error("the call is over")), DRAIN_MS);
  }

  /** Copies into one growing buffer: a list of one-byte chunks would hold a hundred times the limit. */
  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.outcome !== null) return;
    const bytes = this.#bodyBytes + chunk.length;
    if (this.#events !== null) {
      this.#bodyBytes = bytes;
      if (bytes > MAX_STREAM_BYTES || !this.#events.feed(chunk)) this.#stop("too-large");
      return;
    }
    if (bytes > MOST_ANSWER_BYTES) return this.#stop("too-large");
    if (bytes > this.#body.length) {
      const grown = Buffer.allocUnsafe(Math.min(MOST_ANSWER_BYTES, Math.max(bytes, 2 * this.#body.length)));
      this.#body.copy(grown, 0, 0, this.#bodyBytes);
      this.#body = grown;
    }
    chunk.copy(this.#body, this.#bodyBytes);
    this.#bodyBytes = bytes;
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    const isStream = this.#events !== null;
    const text = isStream ? "" : utf8.decode(this.#body.subarray(0, this.#bodyBytes));
    this.#finish({ answer: { status: this.#status ?? 0, headers: this.#headers, text, isStream } });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#timer);
    if (error instanceof RefusedAddressError) return this.#fail("refused-address", error.code, error.message);
    const code = codeOf(error);
    this.#fail(failureReason(code, this.#controller !== null), code);
  }

  readonly #onAbort = (): void => this.#stop("aborted");

  /** Ends the call from our side, and its connection with it. */
  #stop(reason: HttpFailureReason): void {
    this.#fail(reason, null);
    this.#controller?.abort(new Error("the call is over"));
  }

  #fail(reason: HttpFailureReason, code: string | null, why = ""): void {
    const sent = this.#controller !== null;
    const isStream = this.#events !== null;
    this.#finish({ failure: { reason, sent, status: this.#status, headers: this.#headers, code, why, isStream } });
  }

  #finish(outcome: HttpOutcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#body = Buffer.alloc(0);
    this.#settle?.(outcome);
  }
}

/** A `fetch` for the vendors' packages. */
export type SdkFetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * What the SDKs touch of a `Response` (openai 7 and @anthropic-ai/sdk 1: client.mjs `makeRequest`), and no more: a real
 * one costs 0.1 ms. @google/genai 3 also wants its JSON and fails without, when the outcome is known already.
 */
function asResponse(answer: HttpAnswer): Response {
  const { status, headers, text } = answer;
  const response = {
    ok: status >= 200 && status < 300,
    status,
    url: "",
    body: null,
    headers: { get: (name: string) => headers[name] ?? null, entries: () => [].values() },
    text: () => Promise.resolve(text),
  };
  return response as unknown as Response;
}

/** Node's names for a certificate that does not verify, and OpenSSL's for a handshake that fails. */
const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|HOSTNAME_MISMATCH/;
const NOT_HTTP_CODE = /^HPE_|^HTTPParserError$|^UND_ERR_HEADERS_OVERFLOW$/;

/** What went wrong, from the code of the socket or of undici. */
export function failureReason(code: string | null, sent: boolean): HttpFailureReason {
  if (code === "UND_ERR_BODY_TIMEOUT") return "stalled";
  if (!sent) return code !== null && TLS_CODE.test(code) ? "certificate" : "unreachable";
  return code !== null && NOT_HTTP_CODE.test(code) ? "malformed" : "disconnected";
}

/** The name where there is no code: undici's parser error has only that. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name === "Error" ? null : error.name;
}
