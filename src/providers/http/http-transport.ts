import { Agent, buildConnector, type Dispatcher } from "undici";
import { createAddressCheck, refuseOwnNetwork, type Resolve } from "../../platform/checked-lookup.ts";
import { HttpExchange, type CallOptions, type SdkFetch } from "./http-exchange.ts";

export interface HttpTransportOptions {
  /** Open connections per origin; further calls wait for one within their own deadline. Default 256. */
  readonly maxConnections?: number;
  /** Default 10,000. A shorter deadline of the call wins. */
  readonly connectTimeoutMs?: number;
  /** How long the body may stand still once the headers are there. Default 20,000. */
  readonly idleTimeoutMs?: number;
  /** Hosts that may have an address of our own network. Default: none. */
  readonly trustedHosts?: readonly string[];
  /** How host names become addresses; default: as the system does it. */
  readonly resolve?: Resolve | undefined;
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
    connect: checkedConnector(options),
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

/** An endpoint was checked when it was configured; where its name leads to is only known now, and may change any time. */
function checkedConnector({
  connectTimeoutMs = 10_000,
  trustedHosts = [],
  resolve,
}: HttpTransportOptions): buildConnector.connector {
  const refuse = refuseOwnNetwork(trustedHosts);
  const { lookup, checkLiteral } = createAddressCheck({ refuse, ...(resolve === undefined ? {} : { resolve }) });
  // With HTTP/2 one broken connection would take every call on it along.
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup });
  return (options, callback) => {
    try {
      checkLiteral(options.hostname);
    } catch (error) {
      return callback(error as Error, null);
    }
    connect(options, callback);
  };
}
