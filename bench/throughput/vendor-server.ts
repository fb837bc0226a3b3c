/** A vendor that answers at once: what is measured is our side. Prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const ANSWER = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_790_000_000,
  model: "gpt-6-luna",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "A kettle is a small argument for patience.", refusal: null },
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
});
const HEADERS = {
  "content-type": "application/json",
  "content-length": Buffer.byteLength(ANSWER),
  "x-request-id": "req_bench",
};

const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, HEADERS).end(ANSWER));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit());
