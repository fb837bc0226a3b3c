import { request, type Dispatcher } from "undici";
import { ProviderError } from "../provider-error.ts";
import type { ProviderId } from "../provider.ts";
import { classifyError } from "./classify-error.ts";
import { parseJson } from "./json.ts";
import { redact } from "./redact.ts";

/** Metadata are a few KB; a list of a hundred batches some 100 KB. */
const MOST_BYTES = 4 * 1024 * 1024;
/** As with live answers: what is longer is no completion. */
const MOST_LINE_BYTES = 4 * 1024 * 1024;
/** Uploading 200 MB may take minutes. */
const PATIENCE_MS = 10 * 60_000;

export interface BatchHttpOptions {
  readonly id: ProviderId;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Kept out of every error. */
  readonly secrets: readonly string[];
  readonly dispatcher: Dispatcher;
  readonly now: () => number;
}

/** The calls of a batch API. They throw ProviderError and nothing else. */
export interface BatchHttp {
  /** @param path begins with `/` @returns the parsed body */
  get(path: string, signal: AbortSignal): Promise<unknown>;
  /** @param body JSON, or a form as `Blob`; `null`: none */
  post(path: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** A file, line by line; `null` for a line that is too long to be one. */
  lines(path: string, signal: AbortSignal): AsyncGenerator<string | null>;
}

export function createBatchHttp(options: BatchHttpOptions): BatchHttp {
  const call = async (asked: BatchRequest, signal: AbortSignal): Promise<unknown> => {
    const answer = await send(options, asked, signal);
    const text = await readText(answer.body, options);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return parseJson(text);
    throw statusError(answer, text, options);
  };
  return {
    get: async (path, signal) => await call({ method: "GET", path, body: null }, signal),
    post: async (path, body, signal) => await call({ method: "POST", path, body }, signal),
    async *lines(path, signal) {
      const answer = await send(options, { method: "GET", path, body: null }, signal);
      if (answer.statusCode !== 200) throw statusError(answer, await readText(answer.body, options), options);
      try {
        yield* splitLines(answer.body);
      } catch (error) {
        throw networkError(error, signal, options);
      }
    },
  };
}

interface BatchRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON, or a form; `null`: none. */
  readonly body: unknown;
}

async function send(
  options: BatchHttpOptions,
  { method, path, body }: BatchRequest,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const isForm = body instanceof Blob;
  const type = body === null ? {} : { "content-type": isForm ? body.type : "application/json" };
  try {
    return await request(`${options.baseUrl}${path}`, {
      method,
      headers: { "user-agent": "puppet-engine-generation-worker", ...type, ...options.headers },
      body: body === null ? null : isForm ? Buffer.from(await body.arrayBuffer()) : JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      dispatcher: options.dispatcher,
    });
  } catch (error) {
    throw networkError(error, signal, options);
  }
}

async function readText(body: AsyncIterable<Uint8Array>, options: BatchHttpOptions): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw networkError(error, null, options);
  }
  if (bytes <= MOST_BYTES) return Buffer.concat(chunks).toString("utf8");
  const message = "the answer is larger than 4 MiB and was cut off";
  throw new ProviderError(message, { kind: "invalid-response", provider: options.id, sent: "yes" });
}

function statusError(
  { statusCode: status, headers }: Pick<Dispatcher.ResponseData, "statusCode" | "headers">,
  text: string,
  { id, secrets, now }: BatchHttpOptions,
): ProviderError {
  const plain = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
  const { message, code, ...facts } = classifyError({ status, headers: plain, body: parseJson(text), now: now() });
  return new ProviderError(redact(`HTTP ${status}: ${message}`, secrets, []), {
    ...facts,
    code: code === null ? null : redact(code, secrets, []),
    ...{ status, provider: id, sent: "yes" },
  });
}

/** Only a refused connection proves that nothing has arrived. */
function networkError(error: unknown, signal: AbortSignal | null, { id }: BatchHttpOptions): ProviderError {
  if (error instanceof ProviderError) return error;
  if (signal?.aborted === true) {
    return new ProviderError("stopped by us", { kind: "aborted", provider: id, sent: "unknown" });
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
  const isUnreachable = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT/.test(code);
  return new ProviderError(`no ${isUnreachable ? "connection" : "complete answer"} (${code})`, {
    ...{ kind: isUnreachable ? "network" : "disconnected", provider: id, sent: isUnreachable ? "no" : "unknown" },
  });
}

const LF = 0x0a;

async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string | null> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= MOST_LINE_BYTES) parts.push(part);
  };
  const line = (): string | null => {
    const whole = bytes <= MOST_LINE_BYTES ? Buffer.concat(parts).toString("utf8") : null;
    parts = [];
    bytes = 0;
    return whole;
  };
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(LF); end !== -1; end = rest.indexOf(LF)) {
      take(rest.subarray(0, end));
      yield line();
      rest = rest.subarray(end + 1);
    }
    take(rest);
  }
  if (bytes > 0) yield line();
}
