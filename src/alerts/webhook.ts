import { createHmac } from "node:crypto";
import type { Resolve } from "../platform/checked-lookup.ts";
import type { HttpOutcome } from "../providers/http/http-exchange.ts";
import { createHttpTransport, type HttpTransport } from "../providers/http/http-transport.ts";
import type { AlertKind, AlertSeverity } from "./alert.ts";

/** What a receiver gets, as JSON. Times are ISO 8601, UTC. */
export interface AlertMessage {
  /** `<alertId>.<number>`. A message that may not have arrived is sent again with the same id. */
  readonly id: string;
  /** The same from the first message of an alert to its end. */
  readonly alertId: string;
  readonly state: "firing" | "resolved";
  /** `test`: somebody has tried whether this arrives. */
  readonly kind: AlertKind | "test";
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly message: string;
  readonly namespace: string;
  readonly sinceAt: string;
  readonly sentAt: string;
  readonly details: Readonly<Record<string, number>>;
  /** The whole in a line, for receivers that show text: Slack and whatever takes the same. */
  readonly text: string;
}

export type MessageParts = Omit<AlertMessage, "text">;

/** Of Slack's markup only `<…>` does anything with our texts, and `>` stands in the names of lanes. */
export function alertMessage(parts: MessageParts): AlertMessage {
  const { state, kind, severity, message, namespace, subject } = parts;
  const word = state === "resolved" ? "RESOLVED" : severity.toUpperCase();
  const what = state === "resolved" ? `it is over: ${subject}` : message;
  const text = `[${word}] ${kind} (${namespace}): ${what}`.replaceAll(" > ", " → ").replace(/[<>]/g, "");
  return { ...parts, text };
}

/** What came of sending. */
export type SendOutcome =
  | { readonly ok: true; readonly status: number }
  /** One line for people, without the URL. */
  | { readonly ok: false; readonly problem: string };

/** Where alerts go. The URL is secret. */
export interface Webhook extends AsyncDisposable {
  /** Never throws. */
  send(message: AlertMessage, signal: AbortSignal): Promise<SendOutcome>;
}

export interface WebhookOptions {
  readonly url: string;
  /** Signs the body; `null`: nothing is signed. */
  readonly secret: string | null;
  /** Until the answer is there; default 5000. */
  readonly timeoutMs?: number;
  /** As in `HttpTransportOptions`. */
  readonly trustedHosts?: readonly string[];
  readonly resolve?: Resolve;
}

const TIMEOUT_MS = 5000;
const SIGNATURE_HEADER = "x-puppet-signature";

/** One POST over the transport that calls of models use: no redirect, no repetition, and no more of an answer than 4 MiB. */
export function createWebhook({ url, secret, timeoutMs = TIMEOUT_MS, ...rules }: WebhookOptions): Webhook {
  let transport: HttpTransport | undefined;
  return {
    async send(message, signal) {
      const patience = { connectTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs };
      transport ??= createHttpTransport({ maxConnections: 1, ...patience, ...rules });
      const exchange = transport.open({ signal, timeoutMs, sentHeaders: [SIGNATURE_HEADER] });
      const body = JSON.stringify(message);
      const headers = new Headers({ "content-type": "application/json", "user-agent": "puppet-engine" });
      if (secret !== null) headers.set(SIGNATURE_HEADER, signatureOf(body, secret));
      // The outcome says more than what it throws.
      await exchange.send(url, headers, body).catch(() => undefined);
      return judge(exchange.outcome, timeoutMs);
    },
    async [Symbol.asyncDispose]() {
      const opened = transport;
      transport = undefined;
      await opened?.close();
    },
  };
}

/** `sha256=<hex>` of the body's bytes. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

function judge(outcome: HttpOutcome | null, timeoutMs: number): SendOutcome {
  if (outcome === null) return { ok: false, problem: "it was not sent" };
  const status = "answer" in outcome ? outcome.answer.status : outcome.failure.status;
  // What the answer says, and whether it comes to its end, does not matter once it has begun.
  if (status !== null) return isGood(status) ? { ok: true, status } : { ok: false, problem: describeStatus(status) };
  const nothing = { reason: "unreachable", code: null, why: "" };
  const { reason, code, why: refusal } = "failure" in outcome ? outcome.failure : nothing;
  if (refusal !== "") return { ok: false, problem: refusal };
  const why = REASONS[reason] ?? reason;
  const within = reason === "deadline" ? ` within ${timeoutMs / 1000} s` : "";
  return { ok: false, problem: `${why}${within}${code === null ? "" : ` (${code})`}` };
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

const REASONS: Readonly<Record<string, string>> = {
  unreachable: "the receiver cannot be reached: look at host and port of ALERT_WEBHOOK_URL, and at the network",
  disconnected: "the receiver closed the connection without an answer",
  deadline: "the receiver did not answer",
  stalled: "the receiver did not answer",
  aborted: "it was broken off, because this process ends",
  certificate: "the receiver's certificate is not valid",
  malformed: "what answered does not speak HTTP",
};

function describeStatus(status: number): string {
  const answered = `the receiver answered ${status}`;
  if (status >= 300 && status < 400) return `${answered}, a redirect: set ALERT_WEBHOOK_URL to where it leads`;
  if (status === 401 || status === 403)
    return `${answered}: it does not let us in; is the token in the URL still valid?`;
  if (status === 404 || status === 410) return `${answered}: there is no such webhook; was it deleted?`;
  if (status === 429) return `${answered}: it gets too many messages`;
  if (status < 500) return `${answered}: it does not take this body; see docs/alerts.md`;
  return `${answered}: it has trouble of its own`;
}
