/** Vendors that answer, fail or hang as the path says: `/ok/v1`, `/hang/v1`, `/500/v1`, `/401/v1`, `/quota/v1`. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Behaviour, LocalVendorProgram } from "./local-vendor-program.ts";
import { serveRequests } from "./programs.ts";

const TEXT = "TEXT";

const ANSWER = {
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_790_000_000,
  model: "gpt-6-luna",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: TEXT, refusal: null },
      finish_reason: "stop",
    },
  ],
  usage: {
    prompt_tokens: 120,
    completion_tokens: 12,
    total_tokens: 132,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  },
};

type Send = (response: ServerResponse) => void;

/** As OpenAI answers; the words are those of test/fixtures/openai. */
const ANSWERS: Readonly<Record<Behaviour, Send>> = {
  ok: writer(),
  hang: () => undefined,
  "500": failure(500, "server_error", "The server had an error processing your request."),
  "401": failure(401, "invalid_api_key", "Incorrect API key provided."),
  quota: failure(429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
};

const SYLLABLES = Array.from("bcdfghjklmnprstvwxyz").flatMap((first) =>
  Array.from("aeiou").map((second) => first + second),
);

/** Each time another text: the same one again and again would be written anew, as a repetition. */
function writer(): Send {
  const [head = "", tail = ""] = JSON.stringify(ANSWER).split(TEXT);
  let state = 1;
  const syllable = (): string => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return SYLLABLES[(state >>> 8) % SYLLABLES.length] ?? "";
  };
  const word = (): string => syllable() + syllable() + syllable();
  return (response) => {
    const json = `${head}A ${Array.from({ length: 14 }, word).join(" ")}.${tail}`;
    response.writeHead(200, headersOf(json)).end(json);
  };
}

function failure(status: number, code: string, message: string): Send {
  return sender(status, { error: { message, type: code, param: null, code } });
}

function sender(status: number, body: unknown): Send {
  const json = JSON.stringify(body);
  return (response) => void response.writeHead(status, headersOf(json)).end(json);
}

function headersOf(json: string): Readonly<Record<string, string | number>> {
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(json),
    "x-request-id": "req_bench",
  };
}

serveRequests<LocalVendorProgram>({
  async start({ latencyMs }) {
    const server = createServer((request, response) => {
      const behaviour = (request.url ?? "").split("/")[1] as Behaviour;
      const send = ANSWERS[behaviour];
      // A timer of 0 ms would cost one.
      request.resume().on("end", () => (latencyMs === 0 ? send(response) : setTimeout(send, latencyMs, response)));
    });
    server.keepAliveTimeout = 60_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
});
