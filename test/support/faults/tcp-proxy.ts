import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A stretch of network between programs and their server, on loopback, that can be slow, cut or silent. */
export interface TcpProxy extends AsyncDisposable {
  /** Who connects here reaches the server. */
  readonly port: number;
  /** From now on every piece of data comes this much later; 0: at once. */
  setLatency(ms: number): void;
  /**
   * Nothing arrives any more, in either direction, and nobody is told. Connections that there are never speak again (who
   * kept their state has forgotten it); what is said on new ones arrives when it heals.
   */
  partition(): void;
  heal(): void;
  /** The connections that there are never speak again; new ones are fine. */
  silence(): void;
  /** Resets every connection (RST); new ones are fine. */
  reset(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** `held`: opened during a partition. */
  state: "open" | "held" | "silent";
  readonly held: (() => void)[];
}

export async function startTcpProxy(target: { readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const weather = { latencyMs: 0, isPartitioned: false };
  const server = createServer((client) => {
    const upstream = connect(target.port, "127.0.0.1");
    const pair: Pair = { client, server: upstream, state: weather.isPartitioned ? "held" : "open", held: [] };
    pairs.add(pair);
    forward(client, upstream, pair);
    forward(upstream, client, pair);
    client.on("close", () => pairs.delete(pair));
  });
  const forward = (from: Socket, to: Socket, pair: Pair): void => {
    const pass = (send: () => void): void => {
      if (pair.state === "held") pair.held.push(send);
      else if (pair.state === "open") setTimeoutOrNow(send, weather.latencyMs);
    };
    from.on("data", (chunk: Buffer) => pass(() => void to.write(chunk)));
    from.on("error", () => undefined);
    from.on("close", () => pass(() => void to.destroy()));
  };
  const silence = (): void => {
    for (const pair of pairs) pair.state = "silent";
  };
  const reset = (): void => {
    for (const { client, server: upstream } of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    setLatency: (ms) => void (weather.latencyMs = ms),
    partition() {
      weather.isPartitioned = true;
      silence();
    },
    heal() {
      weather.isPartitioned = false;
      for (const pair of pairs) {
        if (pair.state !== "held") continue;
        pair.state = "open";
        for (const send of pair.held.splice(0)) send();
      }
    },
    silence,
    reset,
    async [Symbol.asyncDispose]() {
      reset();
      server.close();
      await once(server, "close");
    },
  };
}

function setTimeoutOrNow(send: () => void, ms: number): void {
  if (ms === 0) send();
  else setTimeout(send, ms);
}
