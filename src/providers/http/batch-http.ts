import { request, type Dispatcher } from "undici";
import { RefusedAddressError } from "../../platform/checked-lookup.ts";
import { ProviderError } from "../provider-error.ts";
import type { ProviderId } from "../provider.ts";
import { classifyError } from "./classify-error.ts";
import { parseJson } from "./json.ts";
import { MOST_ANSWER_BYTES, readCapped } from "./read-capped.ts";
import { redact } from "./redact.ts";

/** As with live answers: what is longer is no completion. */
const MOST_LINE_BYTES = MOST_ANSWER_BYTES;
/** What is kept of a longer one: enough to tell whose it is. */
const KEPT_OF_LONG_LINE_BYTES = 4096;
/** Uploading 200 MB may take minutes, and answers are dealt with while their file is read. */
const PATIENCE_MS = { call: 10 * 60_000, file: 60 * 60_000 };

export interface BatchHttpOptions {
  readonly id: ProviderId;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly now: () => number;
  /** How long a call may take, and a file. Default 10 minutes and an hour. */
  readonly patienceMs?: { readonly call: number; readonly file: number };
}

/** A line of a file. */
export interface FileLine {
  /** Without its end; only the beginning when it is cut. */
  readonly text: string;
  /** It is too long to be an answer. */
  readonly isCut: boolean;
}

/** The calls of a batch API. They throw ProviderError and nothing else. */
export interface BatchHttp {
  /** @param path begins with `/` @returns the parsed body */
  get(path: string, signal: AbortSignal): Promise<unknown>;
  /** @param body JSON, or a form as `Blob`; `null`: none */
  post(path: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** A file, line by line; empty ones are left out. */
  lines(path: string, signal: AbortSignal): AsyncGenerator<FileLine>;
}

export function createBatchHttp(options: BatchHttpOptions): BatchHttp {
  const { patienceMs = PATIENCE_MS } = options;
  const call = async (asked: BatchRequest, signal: AbortSignal): Promise<unknown> => {
    const within = deadline(signal, patienceMs.call);
    const answer = await send(options, asked, within);
    const text = await readText(answer.body, within, options);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return parseJson(text);
    throw statusError(answer, text, options);
  };
  return {
    get: async (path, signal) => await call({ method: "GET", path, body: null }, signal),
    post: async (path, body, signal) => await call({ method: "POST", path, body }, signal),
    async *lines(path, signal) {
      const within = deadline(signal, patienceMs.file);
      const answer = await send(options, { method: "GET", path, body: null }, within);
      if (answer.statusCode !== 200) throw statusError(answer, await readText(answer.body, within, options), options);
      try {
        yield* splitLines(answer.body);
      } catch (error) {
        throw networkError(error, within, options);
      }
    },
  };
}

/** How long a call may take, and who can stop it. */
interface Within {
  readonly signal: AbortSignal;
  readonly stopped: AbortSignal;
  readonly patienceMs: number;
}

function deadline(stopped: AbortSignal, patienceMs: number): Within {
  return { stopped, patienceMs, signal: AbortSignal.any([stopped, AbortSignal.timeout(patienceMs)]) };
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
  within: Within,
): Promise<Dispatcher.ResponseData> {
  if (within.stopped.aborted) {
    throw new ProviderError("stopped by us", { kind: "aborted", provider: options.id, sent: "no" });
  }
  const isForm = body instanceof Blob;
  const type = body === null ? {} : { "content-type": isForm ? body.type : "application/json" };
  try {
    return await request(`${options.baseUrl}${path}`, {
      method,
      headers: { "user-agent": "puppet-engine-generation-worker", ...type, ...options.headers },
      body: body === null ? null : isForm ? Buffer.from(await body.arrayBuffer()) : JSON.stringify(body),
      signal: within.signal,
      dispatcher: options.dispatcher,
    });
  } catch (error) {
    throw networkError(error, within, options);
  }
}

async function readText(body: AsyncIterable<Uint8Array>, within: Within, options: BatchHttpOptions): Promise<string> {
  const text = await readCapped(body).catch((error: unknown) => {
    throw networkError(error, within, options);
  });
  if (text !== null) return text;
  const message = "the answer is larger than 4 MiB and was cut off";
  throw new ProviderError(message, { kind: "invalid-response", provider: options.id, sent: "yes" });
}

function statusError(
  { statusCode: status, headers }: Pick<Dispatcher.ResponseData, "statusCode" | "headers">,
  text: string,
  { id, now }: BatchHttpOptions,
): ProviderError {
  const plain = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
  const { message, code, ...facts } = classifyError({ status, headers: plain, body: parseJson(text), now: now() });
  return new ProviderError(redact(`HTTP ${status}${message === "" ? "" : `: ${message}`}`, []), {
    ...facts,
    code: code === null ? null : redact(code, []),
    ...{ status, provider: id, sent: "yes" },
  });
}

/** Of TLS, before anything is sent. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH/;
/** They prove that nothing has arrived. */
const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT/;

function networkError(
  error: unknown,
  { signal, stopped, patienceMs }: Within,
  options: BatchHttpOptions,
): ProviderError {
  const provider = options.id;
  if (error instanceof ProviderError) return error;
  if (stopped.aborted) return new ProviderError("stopped by us", { kind: "aborted", provider, sent: "unknown" });
  if (signal.aborted) {
    const message = `no complete answer within ${patienceMs / 1000} s`;
    return new ProviderError(message, { kind: "timeout", provider, sent: "unknown" });
  }
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  const withCode = code === null ? "" : ` (${code})`;
  const facts = { provider, code };
  if (error instanceof RefusedAddressError) {
    return new ProviderError(error.message, { ...facts, kind: "refused-address", sent: "no" });
  }
  if (code !== null && CERTIFICATE.test(code)) {
    return new ProviderError(`TLS failed${withCode}`, { ...facts, kind: "certificate", sent: "no" });
  }
  if (code !== null && UNREACHABLE.test(code)) {
    return new ProviderError(`no connection${withCode}`, { ...facts, kind: "network", sent: "no" });
  }
  return new ProviderError(`no complete answer${withCode}`, { ...facts, kind: "disconnected", sent: "unknown" });
}

const LF = 0x0a;

async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileLine> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= MOST_LINE_BYTES) return void parts.push(part);
    if (parts.length > 1 || (parts[0]?.length ?? 0) > KEPT_OF_LONG_LINE_BYTES) {
      parts = [Buffer.from(Buffer.concat(parts).subarray(0, KEPT_OF_LONG_LINE_BYTES))];
    }
  };
  const line = (): FileLine => {
    const whole = { text: Buffer.concat(parts).toString("utf8"), isCut: bytes > MOST_LINE_BYTES };
    parts = [];
    bytes = 0;
    return whole;
  };
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(LF); end !== -1; end = rest.indexOf(LF)) {
      take(rest.subarray(0, end));
      const whole = line();
      if (whole.text.trim() !== "") yield whole;
      rest = rest.subarray(end + 1);
    }
    take(rest);
  }
  const last = line();
  if (last.text.trim() !== "") yield last;
}
