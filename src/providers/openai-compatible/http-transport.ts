import { Agent } from "undici";
import { HttpExchange, type CallLimits, type HttpAnswer } from "./http-exchange.ts";

export interface HttpTransportOptions {
  /** Open connections per origin; further calls wait for one within their own deadline. Default 256. */
  readonly maxConnections?: number;
  /** Default 10,000. A shorter deadline of the call wins. */
  readonly connectTimeoutMs?: number;
  /** How long the body may stand still once the headers are there. Default 20,000. */
  readonly idleTimeoutMs?: number;
}

/** A `fetch` for the openai package; `init.agent` must be an exchange from `open`. */
export type SdkFetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * The keep-alive connections of the whole process. `open` starts a call, `fetch` is what the SDK sends it through; the
 * SDK's errors say too little (was the request sent? what did the body say?), so the exchange itself keeps the outcome.
 */
export interface HttpTransport {
  open(limits: CallLimits): HttpExchange;
  readonly fetch: SdkFetch;
  /** Waits for calls in flight. */
  close(): Promise<void>;
}

export function createHttpTransport(options: HttpTransportOptions = {}): HttpTransport {
  const agent = new Agent({
    connections: options.maxConnections ?? 256,
    connect: { timeout: options.connectTimeoutMs ?? 10_000 },
    // With HTTP/2 one broken connection would take every call on it along.
    allowH2: false,
    // The deadline of the call is the clock for the headers: models think for minutes.
    headersTimeout: 0,
    bodyTimeout: options.idleTimeoutMs ?? 20_000,
  });
  return {
    open: (limits) => new HttpExchange(agent, limits),
    fetch: async (url, init) => {
      const exchange = (init as { agent?: unknown } | undefined)?.agent;
      if (!(exchange instanceof HttpExchange)) throw new TypeError("the call was not opened on this transport");
      const href = url instanceof Request ? url.url : url.toString();
      return asResponse(await exchange.send(href, init?.headers, init?.body));
    },
    close: () => agent.close(),
  };
}

/** What the SDK touches of a `Response` (openai 7: client.mjs `makeRequest`), and no more: a real one costs 0.1 ms. */
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
