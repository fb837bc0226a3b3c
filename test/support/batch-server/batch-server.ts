import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { anthropic } from "./anthropic-batches.ts";
import { send, type BatchServerOptions, type MadeBatch, type State } from "./made-batches.ts";
import { openAi } from "./openai-batches.ts";

/*
 * The batch APIs of the vendors on loopback. Wire formats: OpenAI's Batch and Files objects as in its API reference and SDK
 * (https://developers.openai.com/api/docs/guides/batch, resources/batches.ts of openai 7), Anthropic's Message Batches as in
 * https://platform.claude.com/docs/en/api/messages/batches (both read 2026-11-26).
 */

export interface BatchServer extends AsyncDisposable {
  /** What goes into `OPENAI_BASE_URL` or `ANTHROPIC_BASE_URL`. */
  readonly baseUrl: string;
  /** The ledger: every batch that was made. */
  readonly batches: readonly MadeBatch[];
  /** Bodies of live calls. */
  readonly liveCalls: readonly unknown[];
  /** Paths that were asked for, with their method. */
  readonly requests: readonly string[];
}

export async function startBatchServer(options: BatchServerOptions): Promise<BatchServer> {
  const made: MadeBatch[] = [];
  const live: unknown[] = [];
  const requests: string[] = [];
  const files = new Map<string, string>();
  const state: State = { options, made, live, files };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { pathname } = new URL(request.url ?? "/", "http://server");
    requests.push(`${request.method} ${pathname}`);
    const refusal = options.refuse?.(`${request.method} ${pathname}`) ?? null;
    if (refusal !== null) return send(response, refusal.status, refusal.body);
    const answer = options.vendor === "openai" ? openAi : anthropic;
    answer({ method: request.method ?? "", path: pathname, body, response }, state);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const root = `http://127.0.0.1:${port}`;
  return {
    ...{ batches: made, liveCalls: live, requests, baseUrl: options.vendor === "openai" ? `${root}/v1` : root },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
