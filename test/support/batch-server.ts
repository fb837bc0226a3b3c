import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/*
 * The batch APIs of the vendors on loopback. Wire formats: OpenAI's Batch and Files objects as in its API reference and SDK
 * (https://developers.openai.com/api/docs/guides/batch, resources/batches.ts of openai 7), Anthropic's Message Batches as in
 * https://platform.claude.com/docs/en/api/messages/batches (both read 2026-11-26).
 */

/** What becomes of a row: a text, an error of the vendor's, nothing before the batch expires, or no word about it at all. */
export type RowFate =
  | { readonly text: string }
  | { readonly status: number; readonly type: string; readonly message: string }
  | "expired"
  | "missing";

export interface BatchServerOptions {
  readonly vendor: "openai" | "anthropic";
  /** @param index of the row in its batch, from 0 */
  readonly fate?: (index: number, prompt: string) => RowFate;
  /** How often a batch is not done yet when somebody asks. Default 1. */
  readonly looks?: number;
  /** Whether the connection breaks after the batch was made. @param batch counted from 0 */
  readonly loseReply?: (batch: number) => boolean;
  /** Refuses a batch when it is made. */
  readonly refuse?: (batch: number) => { readonly status: number; readonly body: unknown } | null;
  /** Refuses a batch as a whole, after it was made (OpenAI). */
  readonly failWith?: string;
  /** Whether a batch is over by the time that somebody cancels it, which the vendor refuses then. Default false. */
  readonly isOverWhenCancelled?: boolean;
  /** What live calls answer. Default: a text. */
  readonly live?: (prompt: string) => RowFate & object;
}

interface MadeBatch {
  readonly id: string;
  readonly rows: readonly { readonly customId: string; readonly body: Record<string, unknown> }[];
  readonly metadata: unknown;
  readonly createdAt: number;
  looksLeft: number;
  isCancelled: boolean;
}

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

const USAGE = { input: 40, output: 8 };

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

interface State {
  readonly options: BatchServerOptions;
  readonly made: MadeBatch[];
  readonly live: unknown[];
  readonly files: Map<string, string>;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly response: ServerResponse;
}

function send(response: ServerResponse, status: number, body: unknown, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(typeof body === "string" ? body : JSON.stringify(body));
}

function make({ response }: Asked, state: State, batch: MadeBatch, view: (batch: MadeBatch) => unknown): void {
  const { options, made } = state;
  const refusal = options.refuse?.(made.length) ?? null;
  if (refusal !== null) return send(response, refusal.status, refusal.body);
  const isLost = options.loseReply?.(made.length) === true;
  made.push(batch);
  if (isLost) response.destroy();
  else send(response, 200, view(batch));
}

function newBatch(state: State, parts: Pick<MadeBatch, "rows" | "metadata">): MadeBatch {
  const { options, made } = state;
  const id = `${options.vendor === "openai" ? "batch_" : "msgbatch_"}${made.length + 1}`;
  return { id, createdAt: Date.now(), looksLeft: options.looks ?? 1, isCancelled: false, ...parts };
}

/** False: it was over before. The wording of the refusal is ours; neither vendor documents its own. */
function isCancelled(batch: MadeBatch, { options }: State): boolean {
  if (options.isOverWhenCancelled === true) batch.looksLeft = -1;
  else batch.isCancelled = true;
  return batch.isCancelled;
}

function fateOf(index: number, batch: MadeBatch, { options }: State): RowFate {
  const fate = options.fate ?? ((row: number) => ({ text: `Text number ${row} of ${batch.id}.` }));
  return batch.isCancelled && index % 2 === 1 ? "expired" : fate(index, promptOf(batch.rows[index]?.body));
}

function promptOf(body: unknown): string {
  const { messages = [] } = (body ?? {}) as { messages?: { role: string; content: unknown }[] };
  return String(messages.findLast(({ role }) => role === "user")?.content);
}

function openAi(asked: Asked, state: State): void {
  const { method, path, body, response } = asked;
  const { files, made } = state;
  if (method === "POST" && path === "/v1/files") {
    const id = `file-${files.size + 1}`;
    files.set(id, body.slice(body.indexOf("\r\n\r\n", body.indexOf("filename=")) + 4, body.lastIndexOf("\r\n--")));
    return send(response, 200, { id, object: "file", purpose: "batch" });
  }
  if (method === "POST" && path === "/v1/batches") return makeOpenAi(asked, state);
  if (method === "GET" && path === "/v1/batches") {
    for (const batch of made) batch.looksLeft--;
    const data = made.map((batch) => openAiBatch(batch, state)).toReversed();
    return send(response, 200, { object: "list", data, has_more: false });
  }
  if (path === "/v1/chat/completions") return liveOpenAi(asked, state);
  const [, , kind, id, action] = path.split("/");
  const batch = made.find((one) => one.id === id || `${one.id}-out` === id || `${one.id}-err` === id);
  if (batch === undefined)
    return send(response, 404, openAiError({ status: 404, type: "invalid", message: "no such" }));
  if (kind === "files") return send(response, 200, openAiFile(batch, id ?? "", state), "application/octet-stream");
  if (action === "cancel") {
    const error = { status: 400, type: "invalid_request_error", message: "Cannot cancel a batch that is completed." };
    if (isCancelled(batch, state)) return send(response, 200, openAiBatch(batch, state));
    return send(response, 400, openAiError(error));
  }
  batch.looksLeft--;
  return send(response, 200, openAiBatch(batch, state));
}

function makeOpenAi(asked: Asked, state: State): void {
  const { body } = asked;
  const { files } = state;
  const { input_file_id: file, metadata } = JSON.parse(body) as { input_file_id: string; metadata: unknown };
  const lines = (files.get(file) ?? "").trim().split("\n");
  const rows = lines.map((line) => {
    const { custom_id: customId, body: row } = JSON.parse(line) as {
      custom_id: string;
      body: Record<string, unknown>;
    };
    return { customId, body: row };
  });
  return make(asked, state, newBatch(state, { rows, metadata }), (batch) => openAiBatch(batch, state));
}

function liveOpenAi({ body, response }: Asked, { live, options }: State): void {
  live.push(JSON.parse(body));
  const fate = options.live?.(promptOf(JSON.parse(body))) ?? { text: `Live text ${live.length}.` };
  return "text" in fate ? send(response, 200, completion(fate.text)) : send(response, fate.status, openAiError(fate));
}

function openAiBatch(batch: MadeBatch, state: State): unknown {
  const { failWith } = state.options;
  const isOver = batch.looksLeft < 0;
  const fates = batch.rows.map((_, index) => fateOf(index, batch, state));
  const status = !isOver
    ? "in_progress"
    : failWith !== undefined
      ? "failed"
      : batch.isCancelled
        ? "cancelled"
        : fates.includes("expired")
          ? "expired"
          : "completed";
  const completed = fates.filter((fate) => typeof fate === "object" && "text" in fate).length;
  return {
    ...{ id: batch.id, object: "batch", endpoint: "/v1/chat/completions", status, completion_window: "24h" },
    errors:
      failWith === undefined || !isOver ? null : { object: "list", data: [{ code: "failed", message: failWith }] },
    ...{ output_file_id: isOver ? `${batch.id}-out` : null, error_file_id: isOver ? `${batch.id}-err` : null },
    created_at: Math.floor(batch.createdAt / 1000),
    expires_at: Math.floor(batch.createdAt / 1000) + 86_400,
    request_counts: { total: batch.rows.length, completed: isOver ? completed : 0, failed: 0 },
    metadata: batch.metadata,
  };
}

function openAiFile(batch: MadeBatch, id: string, state: State): string {
  const isErrors = id.endsWith("-err");
  const lines = batch.rows.flatMap(({ customId }, index): object[] => {
    const fate = fateOf(index, batch, state);
    const row = { id: `batch_req_${index}`, custom_id: customId };
    if (fate === "missing") return [];
    if (fate === "expired") {
      const error = {
        code: "batch_expired",
        message: "This request could not be executed before the completion window expired.",
      };
      return isErrors ? [{ ...row, response: null, error }] : [];
    }
    if ("text" in fate) {
      const response = { status_code: 200, request_id: `req_${index}`, body: completion(fate.text) };
      return isErrors ? [] : [{ ...row, response, error: null }];
    }
    const response = { status_code: fate.status, request_id: `req_${index}`, body: openAiError(fate) };
    return isErrors ? [{ ...row, response, error: null }] : [];
  });
  // Answers come in any order.
  return lines
    .toReversed()
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function openAiError({ type, message }: Exclude<RowFate, string | { text: string }>): unknown {
  return { error: { message, type, param: null, code: type } };
}

function completion(content: string): unknown {
  return {
    ...{ id: "chatcmpl-1", object: "chat.completion", created: 1_790_000_000, model: "gpt-6-luna" },
    choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, finish_reason: "stop" }],
    usage: { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output },
  };
}

function anthropic(asked: Asked, state: State): void {
  const { method, path, body, response } = asked;
  const { made, live, options } = state;
  if (method === "POST" && path === "/v1/messages/batches") {
    const { requests } = JSON.parse(body) as { requests: { custom_id: string; params: Record<string, unknown> }[] };
    const rows = requests.map(({ custom_id: customId, params }) => ({ customId, body: params }));
    return make(asked, state, newBatch(state, { rows, metadata: null }), (batch) => anthropicBatch(batch, state));
  }
  if (method === "GET" && path === "/v1/messages/batches") {
    for (const batch of made) batch.looksLeft--;
    const data = made.map((batch) => anthropicBatch(batch, state)).toReversed();
    return send(response, 200, { data, has_more: false, first_id: null, last_id: null });
  }
  if (path === "/v1/messages") {
    live.push(JSON.parse(body));
    const fate = options.live?.(promptOf(JSON.parse(body))) ?? { text: `Live text ${live.length}.` };
    return "text" in fate
      ? send(response, 200, message(fate.text))
      : send(response, fate.status, { type: "error", error: { type: fate.type, message: fate.message } });
  }
  const [, , , , id, action] = path.split("/");
  const batch = made.find((one) => one.id === id);
  if (batch === undefined)
    return send(response, 404, { type: "error", error: { type: "not_found_error", message: "x" } });
  if (action === "results") return send(response, 200, anthropicResults(batch, state), "application/x-jsonl");
  if (action === "cancel") {
    const error = { type: "invalid_request_error", message: "This batch has ended." };
    if (isCancelled(batch, state)) return send(response, 200, anthropicBatch(batch, state));
    return send(response, 400, { type: "error", error });
  }
  batch.looksLeft--;
  return send(response, 200, anthropicBatch(batch, state));
}

function anthropicBatch(batch: MadeBatch, state: State): unknown {
  const isOver = batch.looksLeft < 0;
  const fates = batch.rows.map((_, index) => fateOf(index, batch, state));
  const expired = fates.filter((fate) => fate === "expired").length;
  const counts = isOver
    ? { processing: 0, succeeded: batch.rows.length - expired, errored: 0, canceled: 0, expired }
    : { processing: batch.rows.length, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  return {
    ...{ id: batch.id, type: "message_batch", processing_status: isOver ? "ended" : "in_progress" },
    ...{ request_counts: counts, ended_at: null, cancel_initiated_at: null, archived_at: null, results_url: null },
    created_at: new Date(batch.createdAt).toISOString(),
    expires_at: new Date(batch.createdAt + 86_400_000).toISOString(),
  };
}

function anthropicResults(batch: MadeBatch, state: State): string {
  return batch.rows
    .flatMap(({ customId }, index) => {
      const fate = fateOf(index, batch, state);
      if (fate === "missing") return [];
      const result =
        fate === "expired"
          ? { type: batch.isCancelled ? "canceled" : "expired" }
          : "text" in fate
            ? { type: "succeeded", message: message(fate.text) }
            : { type: "errored", error: { type: "error", error: { type: fate.type, message: fate.message } } };
      return [`${JSON.stringify({ custom_id: customId, result })}\n`];
    })
    .toReversed()
    .join("");
}

function message(content: string): unknown {
  return {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "claude-haiku-5-5", stop_reason: "end_turn" },
    ...{ content: [{ type: "text", text: content }], stop_sequence: null },
    usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  };
}
