import { Agent, type Dispatcher } from "undici";
import { HttpExchange, type CallOptions, type SdkFetch } from "./http-exchange.ts";

export interface HttpTransportOptions {
  /** Open connections per origin; further calls wait for one within their own deadline. Default 256. */
  readonly maxConnections?: number;
  /** Default 10,000. A shorter deadline of the call wins. */
  readonly connectTimeoutMs?: number;
  /** How long the body may stand still once the headers are there. Default 20,000. */
  readonly idleTimeoutMs?: number;
}

/**
 * The keep-alive connections of the whole process. `open` starts a call, `fetch` is what an SDK sends it through; the
 * SDKs' errors say too little (was the request sent? what did the body say?), so the exchange itself keeps the outcome.
 */
export interface HttpTransport {
  open(options: CallOptions): HttpExchange;
  /** For what is no call of a model, such as files of batches. */
  readonly dispatcher: Dispatcher;
  /** For SDKs that take one `fetch` for all calls: `init.agent` must be the exchange. */
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
    // Whole ones: undici fails every call with any other, and 0 would mean never.
    bodyTimeout: Math.max(1, Math.round(options.idleTimeoutMs ?? 20_000)),
  });
  return {
    open: (call) => new HttpExchange(agent, call),
    dispatcher: agent,
    fetch: async (url, init) => {
      const exchange = (init as { agent?: unknown } | undefined)?.agent;
      if (!(exchange instanceof HttpExchange)) throw new TypeError("the call was not opened on this transport");
      return await exchange.fetch(url, init);
    },
    close: () => agent.close(),
  };
}
