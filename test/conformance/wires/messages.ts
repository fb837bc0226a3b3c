import type { RecordedAnswer } from "../../support/recorded-answers.ts";
import type { AnswerParts, StreamParts, Wire } from "../wire.ts";

const USAGE = {
  input_tokens: 40,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 8,
};

/** Anthropic's Messages API. */
export const MESSAGES: Wire = {
  baseUrl: (origin) => origin,
  path: () => "/v1/messages",
  keyHeader: { name: "x-api-key", value: (key) => key },
  whole: wholeMessage,
  stream: messageStream,
  finishReasons: [
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content-filter"],
    ["sunset", "other"],
  ],
  hasLastEvent: true,
  folders: ["anthropic"],
  error: (message) => ({ type: "error", error: { type: "t", message }, request_id: "req_test" }),
  recorded: {
    truncatedEmpty: {
      file: "anthropic/200-max-tokens-thinking-only.json",
      usage: { inputTokens: 8, outputTokens: 4, reasoningTokens: 3, estimated: false },
    },
    refusals: [{ file: "anthropic/200-refusal.json", usage: { inputTokens: 97, outputTokens: 0, estimated: false } }],
    streams: [
      {
        file: "anthropic/200-stream-text.json",
        ...{ begins: "- Captain\n", ends: "- Scoop" },
        usage: { inputTokens: 17, outputTokens: 10, estimated: false },
      },
      {
        // The input is told at the start only, and the thinking is no text.
        file: "anthropic/200-stream-thinking.json",
        ...{ begins: "Scoop and", ends: "Beaky" },
        usage: { inputTokens: 45, outputTokens: 94, estimated: false },
      },
      {
        file: "anthropic/200-stream-refusal.json",
        ...{ begins: "", ends: "", kind: "content-filtered" },
        usage: { inputTokens: 97, outputTokens: 0, estimated: false },
      },
      {
        file: "anthropic/200-stream-api-error-middle.json",
        ...{ begins: "", ends: "", kind: "overloaded" },
        usage: {},
      },
    ],
    streamError: { file: "anthropic/200-stream-overloaded-error.json", kind: "overloaded", comesFirst: true },
    noAnswer: { type: "message", content: null },
  },
};

function wholeMessage(parts: AnswerParts = {}): RecordedAnswer {
  const { text = "Hello from the test server.", model = "claude-haiku-5-5", usage = true } = parts;
  const { finish = "end_turn" } = parts;
  const body = {
    ...head(model),
    content: text === null ? [] : [{ type: "text", text }],
    stop_reason: finish,
    ...(usage && { usage: USAGE }),
  };
  return { response: { status: 200, headers: { "content-type": "application/json" }, body } };
}

function messageStream(parts: StreamParts = {}): RecordedAnswer {
  const { texts = ["Hello ", "from ", "the test server."], model = "claude-haiku-5-5" } = parts;
  const { usage = true, isWhole = true } = parts;
  const block = { type: "text", text: "" };
  const events: Readonly<Record<string, unknown>>[] = [
    { type: "message_start", message: { ...head(model), content: [], ...(usage && { usage: USAGE }) } },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "ping" },
    ...texts.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
  ];
  if (isWhole) {
    events.push(
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, ...(usage && { usage: { output_tokens: 8 } }) },
      { type: "message_stop" },
    );
  }
  const lines = events.map((event) => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`);
  return { response: { status: 200, headers: { "content-type": "text/event-stream" }, bodyText: lines.join("") } };
}

function head(model: string): Readonly<Record<string, unknown>> {
  return { id: "msg_test", type: "message", role: "assistant", model };
}
