import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { seededRandom } from "../../src/providers/fake/seeded-random.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

export interface LimitedVendorOptions {
  /** Per API key, as is the other; default: no such limit. A burst of one second is let through. */
  readonly requestsPerMinute?: number;
  /** Prompt and completion. One second of it must be more than one answer (125 tokens), or none is ever given. */
  readonly tokensPerMinute?: number;
  /** Default 0: answers come at once. */
  readonly medianLatencyMs?: number;
  /** Of the lognormal distribution; default 0.35. */
  readonly latencySigma?: number;
  /** Sizes and latencies of the answers follow from it; default "vendor". */
  readonly seed?: string;
  /** `x-ratelimit-…` on every answer; default true. */
  readonly limitHeaders?: boolean;
  /** Headers of a refusal: none, `retry-after`, or `retry-after-ms` as well (default). */
  readonly retryAfter?: "none" | "seconds" | "both";
  /** ms; default `performance.now`. Latencies are real time whatever it says. */
  readonly now?: () => number;
}

export interface VendorCall {
  /** ms of the vendor's clock, when the whole request was there. */
  readonly at: number;
  readonly key: string;
  /** `refused` names the limit that was in the way. */
  readonly outcome: "accepted" | "refused: requests" | "refused: tokens";
  /** Charged to the limit and reported as usage; 0 for a refused call. */
  readonly tokens: number;
  /** What `promptMarker` put into the prompt. */
  readonly marker: string | null;
}

/** A vendor on loopback that speaks OpenAI's chat completions, enforces limits per key and remembers every call. */
export interface LimitedVendor extends AsyncDisposable {
  readonly baseUrl: string;
  /** Since the start or the last `restart`. */
  readonly calls: readonly VendorCall[];
  counts(): VendorCounts;
  /** How long until nobody has used anything of any limit. */
  fullInMs(): number;
  /** Forgets the calls and begins the sequence of answers again; what the buckets hold stays. */
  restart(): void;
}

export interface VendorCounts {
  readonly accepted: number;
  readonly refused: number;
  /** Of the accepted calls. */
  readonly tokens: number;
}

/** What an answer will be, decided before it is asked for: a limit of tokens is charged in advance. */
export interface PlannedAnswer {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly latencyMs: number;
}

const MEAN_PROMPT_TOKENS = 60;
const MEAN_COMPLETION_TOKENS = 40;
const SIZE_SPREAD = 0.25;
/** Any text will do; the usage is what counts. */
const ANSWER_TEXT = "A kettle is a small argument for patience.";

/**
 * The answers that a vendor gives, first to last. The n-th accepted call gets the n-th answer, whatever was refused in
 * between: so the same number of jobs needs the same number of tokens in every run.
 */
export function planAnswers({ seed = "vendor", medianLatencyMs = 0, latencySigma = 0.35 }: LimitedVendorOptions): {
  next(): PlannedAnswer;
} {
  const random = seededRandom("limited vendor", seed);
  const size = (mean: number): number => Math.round(mean * (1 - SIZE_SPREAD + 2 * SIZE_SPREAD * random.next()));
  // Box and Muller's way from two even numbers to one of a normal distribution.
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return {
    next: () => ({
      promptTokens: size(MEAN_PROMPT_TOKENS),
      completionTokens: size(MEAN_COMPLETION_TOKENS),
      latencyMs: medianLatencyMs * Math.exp(latencySigma * normal()),
    }),
  };
}

/** Goes into a prompt, so that the call is found again in the vendor's ledger. */
export function promptMarker(name: string): string {
  return `[marker ${name}]`;
}

export async function startLimitedVendor(options: LimitedVendorOptions = {}): Promise<LimitedVendor> {
  const gate = createGate(options);
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const key = (request.headers.authorization ?? "").replace("Bearer ", "");
    const { latencyMs, status, headers, json } = gate.call(key, body);
    const send = (): void => void response.writeHead(status, headers).end(json);
    if (latencyMs <= 0) return send();
    const timer = setTimeout(() => {
      timers.delete(timer);
      send();
    }, latencyMs);
    timers.add(timer);
  };
  // Longer than any pause between two calls: a connection that is closed while it is used would cost a call.
  server.keepAliveTimeout = 120_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const timer of timers) clearTimeout(timer);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    ...gate,
    get calls() {
      return gate.calls;
    },
    baseUrl: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: close,
  };
}

interface VendorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly json: string;
  readonly latencyMs: number;
}

interface KeyLimits {
  readonly requests: TokenBucket | null;
  readonly tokens: TokenBucket | null;
}

interface Gate extends Pick<LimitedVendor, "calls" | "counts" | "fullInMs" | "restart"> {
  call(key: string, body: string): VendorAnswer;
}

/** Everything but HTTP. */
function createGate(options: LimitedVendorOptions): Gate {
  const now = options.now ?? (() => performance.now());
  const limitsOfKeys = new Map<string, KeyLimits>();
  let calls: VendorCall[] = [];
  let answers = planAnswers(options);
  let next = answers.next();

  const limitsOf = (key: string): KeyLimits => {
    const known = limitsOfKeys.get(key) ?? {
      requests: options.requestsPerMinute === undefined ? null : createTokenBucket(options.requestsPerMinute),
      tokens: options.tokensPerMinute === undefined ? null : createTokenBucket(options.tokensPerMinute),
    };
    limitsOfKeys.set(key, known);
    return known;
  };
  const call = (key: string, body: string): VendorAnswer => {
    const at = now();
    const limits = limitsOf(key);
    const tokens = next.promptTokens + next.completionTokens;
    const refusal = findRefusal(limits, tokens, at);
    const marker = /\[marker ([^\]]+)\]/.exec(body)?.[1] ?? null;
    if (refusal !== null) {
      calls.push({ at, key, outcome: `refused: ${refusal.type}`, tokens: 0, marker });
      return refused(refusal, { ...limitHeaders(limits, at, options), ...retryHeaders(refusal.waitMs, options) });
    }
    calls.push({ at, key, outcome: "accepted", tokens, marker });
    limits.requests?.take(1, at);
    limits.tokens?.take(tokens, at);
    const planned = next;
    next = answers.next();
    return accepted(planned, limitHeaders(limits, at, options));
  };
  return {
    call,
    get calls() {
      return calls;
    },
    counts: () => countsOf(calls),
    fullInMs: () => Math.max(0, ...bucketsOf(limitsOfKeys.values()).map((bucket) => bucket.fullInMs(now()))),
    restart() {
      calls = [];
      answers = planAnswers(options);
      next = answers.next();
    },
  };
}

function bucketsOf(limits: Iterable<KeyLimits>): TokenBucket[] {
  return [...limits].flatMap(({ requests, tokens }) => [requests, tokens]).filter((bucket) => bucket !== null);
}

function countsOf(calls: readonly VendorCall[]): VendorCounts {
  const accepted = calls.filter(({ outcome }) => outcome === "accepted");
  const tokens = accepted.reduce((sum, call) => sum + call.tokens, 0);
  return { accepted: accepted.length, refused: calls.length - accepted.length, tokens };
}

interface Refusal {
  readonly type: "requests" | "tokens";
  readonly waitMs: number;
  /** The three numbers of OpenAI's message. */
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
}

/** Of the limit that is in the way the longest; `null`: the call may be made. */
function findRefusal({ requests, tokens }: KeyLimits, cost: number, now: number): Refusal | null {
  const refusals = [refusalOf("requests", requests, { cost: 1, now }), refusalOf("tokens", tokens, { cost, now })];
  const [longest = null] = refusals.filter((refusal) => refusal !== null).sort((a, b) => b.waitMs - a.waitMs);
  return longest;
}

function refusalOf(
  type: Refusal["type"],
  bucket: TokenBucket | null,
  { cost, now }: { cost: number; now: number },
): Refusal | null {
  const waitMs = bucket?.waitMs(cost, now) ?? 0;
  if (bucket === null || waitMs === 0) return null;
  const { perMinute } = bucket;
  return { type, waitMs, limit: perMinute, used: perMinute - bucket.remaining(now), requested: cost };
}

function refused(refusal: Refusal, headers: Readonly<Record<string, string>>): VendorAnswer {
  const { type, waitMs, limit, used, requested } = refusal;
  const short = type === "requests" ? "RPM" : "TPM";
  const numbers = `Limit ${limit}, Used ${used}, Requested ${requested}`;
  const message =
    `Rate limit reached for gpt-6-luna in organization org-test on ${type} per min (${short}): ` +
    `${numbers}. Please try again in ${duration(waitMs)}.`;
  return render(429, { error: { message, type, param: null, code: "rate_limit_exceeded" } }, { headers });
}

function accepted(planned: PlannedAnswer, headers: Readonly<Record<string, string>>): VendorAnswer {
  const { promptTokens, completionTokens, latencyMs } = planned;
  const message = { role: "assistant", content: ANSWER_TEXT, refusal: null };
  const body = {
    id: "chatcmpl-test",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-6-luna",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
  return render(200, body, { headers, latencyMs });
}

function render(
  status: number,
  body: unknown,
  { headers, latencyMs = 0 }: { headers: Readonly<Record<string, string>>; latencyMs?: number },
): VendorAnswer {
  const json = JSON.stringify(body);
  const entity = { "content-type": "application/json", "content-length": Buffer.byteLength(json) };
  return { status, headers: { ...entity, ...headers }, json, latencyMs };
}

function limitHeaders(limits: KeyLimits, now: number, options: LimitedVendorOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ["requests", "tokens"] as const) {
    const bucket = limits[name];
    if (bucket === null || options.limitHeaders === false) continue;
    headers[`x-ratelimit-limit-${name}`] = String(bucket.perMinute);
    headers[`x-ratelimit-remaining-${name}`] = String(bucket.remaining(now));
    headers[`x-ratelimit-reset-${name}`] = duration(bucket.fullInMs(now));
  }
  return headers;
}

function retryHeaders(waitMs: number, { retryAfter = "both" }: LimitedVendorOptions): Record<string, string> {
  if (retryAfter === "none") return {};
  const seconds = { "retry-after": String(Math.ceil(waitMs / 1000)) };
  return retryAfter === "seconds" ? seconds : { ...seconds, "retry-after-ms": String(Math.ceil(waitMs)) };
}

/** As OpenAI writes it: `25ms`, `8.64s`, `6m0s`. */
function duration(ms: number): string {
  const whole = Math.ceil(ms - 1e-6);
  if (whole <= 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${(whole - minutes * 60_000) / 1000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
