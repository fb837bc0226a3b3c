import type { ServerResponse } from "node:http";
import type { RecordedAnswer } from "./recorded-answers.ts";
import type { Answer, SeenCall } from "./recorded-server.ts";

/** Sends the caller's key back. Returns an answer, or writes one itself. */
type Echo = (key: string, response: ServerResponse) => RecordedAnswer | void;

/** A little more than lies between two messages to followers. */
const FOLLOWED_MS = 700;
const JSON_HEADERS = { "content-type": "application/json" };

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): RecordedAnswer {
  return { response: { status, headers: { ...JSON_HEADERS, ...headers }, body } };
}

function text(status: number, bodyText: string, headers: Readonly<Record<string, string>> = {}): RecordedAnswer {
  return { response: { status, headers, bodyText } };
}

const inEveryForm = (key: string): string =>
  [key, encodeURIComponent(key), JSON.stringify(key), btoa(key), btoa(`user:${key}`)].join(" ");

function completion(key: string): unknown {
  const message = { role: "assistant", content: `Tea ${key} with milk.`, refusal: null };
  const choice = { index: 0, message, finish_reason: `stop ${key}` };
  return { id: key, model: key, choices: [choice], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
}

const chunk = (delta: unknown, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** Every way in which a server that we call can give away the key that it was called with. */
export const ECHOES: Readonly<Record<string, Echo>> = {
  "a refused key": (key) =>
    json(401, { error: { message: `Incorrect API key: ${inEveryForm(key)}`, type: key, code: key, param: key } }),
  "an invalid request": (key) => json(400, { error: { message: `You sent ${inEveryForm(key)}` } }),
  "an unsupported parameter": (key) =>
    json(400, { error: { message: `Unsupported parameter: '${key}'`, code: "unsupported_parameter", param: key } }),
  headers: (key) =>
    json(
      500,
      { error: { message: "overloaded" } },
      { "x-request-id": key, "request-id": key, "set-cookie": `k=${key}` },
    ),
  "a limit": (key) =>
    json(429, { error: { message: key, code: key } }, { "retry-after": key, "x-ratelimit-limit-requests": key }),
  "an unknown model": (key) => json(404, { error: { message: `The model ${key} does not exist`, code: key } }),
  "HTML with 200": (key) => text(200, `<h1>${inEveryForm(key)}</h1>`, { "content-type": "text/html" }),
  "truncated JSON": (key) => text(200, `{"id":"${key}","choices":[{"message":{"content":"${key}`, JSON_HEADERS),
  "plain text": (key) => text(502, inEveryForm(key)),
  "a redirect": (key) => text(302, key, { location: `http://127.0.0.1:1/?key=${encodeURIComponent(key)}` }),
  "an answer": (key) => json(200, completion(key), { "x-request-id": key }),
  "an error with 200": (key) => json(200, { error: { message: inEveryForm(key), code: key } }),
  "a refusal": (key) =>
    json(200, { id: key, choices: [{ index: 0, message: { content: null, refusal: key }, finish_reason: "stop" }] }),
  "a stream": (key, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": key });
    // In pieces: no event has the whole of it.
    for (const piece of ["Tea ", key.slice(0, 9), key.slice(9), " with milk."])
      response.write(chunk({ content: piece }));
    // Long enough for those who follow it to be told of all of it.
    setTimeout(() => response.end(`${chunk({}, "stop")}data: [DONE]\n\n`), FOLLOWED_MS);
  },
  "an error in a stream": (key, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${JSON.stringify({ error: { message: inEveryForm(key), code: key } })}\n\n`);
  },
  "another protocol": (key, response) => void response.socket?.end(`SSH-2.0-${key}\r\n`),
};

/** Answers by the name of the echo that stands in the prompt as `<name>`. */
export const echo: Answer = (call, response) => {
  const name = Object.keys(ECHOES).find((known) => call.bodyText.includes(echoMarker(known)));
  return ECHOES[name ?? "a refused key"]?.(keyOf(call), response);
};

export function echoMarker(name: string): string {
  return `[echo: ${name}]`;
}

function keyOf({ headers }: SeenCall): string {
  const found = headers["authorization"] ?? headers["x-api-key"] ?? headers["x-goog-api-key"] ?? "no key";
  return String(found).replace(/^Bearer /, "");
}
