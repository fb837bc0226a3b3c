import { completionAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import type { StreamParts, Wire } from "../wire.ts";

const USAGE = { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 };

/** What OpenAI, xAI and local servers have in common. */
export const CHAT_COMPLETIONS: Wire = {
  baseUrl: (origin) => `${origin}/v1`,
  path: () => "/v1/chat/completions",
  keyHeader: { name: "authorization", value: (key) => `Bearer ${key}` },
  whole: ({ usage = true, finish = "stop", ...parts } = {}) =>
    completionAnswer({ ...parts, finishReason: finish, usage: usage ? USAGE : null }),
  stream: completionStream,
  finishReasons: [
    ["stop", "stop"],
    ["end_turn", "stop"],
    ["length", "length"],
    ["content_filter", "content-filter"],
    ["sunset", "other"],
  ],
  hasLastEvent: true,
  folders: ["openai"],
  error: (message) => ({ error: { message, type: "t", code: null } }),
  recorded: {
    truncatedEmpty: {
      file: "openai/200-length-empty-text.json",
      usage: { inputTokens: 10_766, reasoningTokens: 3072, estimated: false },
    },
    refusals: [
      { file: "openai/200-refusal.json", usage: { outputTokens: 12 } },
      { file: "openai/200-content-filter.json", usage: { outputTokens: 19 } },
    ],
    streams: [
      {
        file: "openai/200-stream-text.json",
        ...{ begins: "The capital", ends: "London." },
        usage: { inputTokens: 78, outputTokens: 9, estimated: false },
      },
    ],
    streamError: { file: "openai/200-stream-error.json", kind: "overloaded", comesFirst: true },
    noAnswer: { choices: [] },
  },
};

/** The same as `completionAnswer`, in chunks. */
function completionStream(parts: StreamParts = {}): RecordedAnswer {
  const { texts = ["Hello ", "from ", "the test server."], model = "gpt-6-luna", usage = true, isWhole = true } = parts;
  const chunk = (choices: unknown[], rest = {}): string =>
    `data: ${JSON.stringify({ id: "chatcmpl-test", object: "chat.completion.chunk", model, choices, ...rest })}\n\n`;
  const events = texts.map((content) => chunk([{ index: 0, delta: { content }, finish_reason: null }]));
  if (isWhole) {
    events.push(chunk([{ index: 0, delta: {}, finish_reason: "stop" }]));
    if (usage) events.push(chunk([], { usage: USAGE }));
    events.push("data: [DONE]\n\n");
  }
  return {
    response: { status: 200, headers: { "content-type": "text/event-stream" }, bodyText: events.join("") },
  };
}
