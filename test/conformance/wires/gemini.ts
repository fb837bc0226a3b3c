import type { RecordedAnswer } from "../../support/recorded-answers.ts";
import type { AnswerParts, StreamParts, Wire } from "../wire.ts";

const USAGE = { promptTokenCount: 40, candidatesTokenCount: 8, totalTokenCount: 48 };

export const GEMINI_WIRE: Wire = {
  baseUrl: (origin) => `${origin}/v1beta`,
  path: (model, how) =>
    how === "stream"
      ? `/v1beta/models/${model}:streamGenerateContent?alt=sse`
      : `/v1beta/models/${model}:generateContent`,
  keyHeader: { name: "x-goog-api-key", value: (key) => key },
  whole: (parts = {}) => ({
    response: { status: 200, headers: { "content-type": "application/json; charset=UTF-8" }, body: content(parts) },
  }),
  stream: contentStream,
  finishReasons: [
    ["STOP", "stop"],
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content-filter"],
    ["RECITATION", "content-filter"],
    ["PROHIBITED_CONTENT", "content-filter"],
    ["BLOCKLIST", "content-filter"],
    ["SPII", "content-filter"],
    ["SUNSET", "other"],
  ],
  hasLastEvent: false,
  folders: ["gemini"],
  error: (message) => ({ error: { code: 400, message, status: "INVALID_ARGUMENT" } }),
  recorded: {
    truncatedEmpty: {
      file: "gemini/200-max-tokens-empty.json",
      usage: { inputTokens: 15, outputTokens: 2, reasoningTokens: 2, estimated: false },
    },
    refusals: [
      { file: "gemini/200-safety.json", usage: { inputTokens: 14, outputTokens: 0 } },
      { file: "gemini/200-recitation.json", usage: { inputTokens: 4, outputTokens: 0 } },
      { file: "gemini/200-prompt-blocked.json", usage: { inputTokens: 9, outputTokens: 0 } },
    ],
    streams: [
      {
        file: "gemini/200-stream-text.json",
        ...{ begins: "1\n2\n", ends: "\n29\n30" },
        usage: { inputTokens: 18, outputTokens: 115, reasoningTokens: 35, estimated: false },
      },
      {
        file: "gemini/200-stream-thoughts.json",
        ...{ begins: "hello", ends: "hello" },
        usage: { inputTokens: 6, outputTokens: 77, reasoningTokens: 76, estimated: false },
      },
      {
        file: "gemini/200-stream-signature-last.json",
        ...{ begins: "fixture", ends: "ok" },
        usage: { inputTokens: 7, outputTokens: 96, reasoningTokens: 94, estimated: false },
      },
      {
        file: "gemini/200-stream-prompt-blocked.json",
        ...{ begins: "", ends: "", kind: "content-filtered" },
        usage: { inputTokens: 9, outputTokens: 0 },
      },
    ],
    streamError: { file: "gemini/200-stream-error.json", kind: "overloaded", comesFirst: true },
    noAnswer: { usageMetadata: USAGE, modelVersion: "gemini-3.1-flash-lite" },
  },
};

interface ContentParts extends AnswerParts {
  /** Default "STOP"; `null`: there is more to come. */
  readonly finishReason?: string | null;
}

function content(parts: ContentParts = {}): Record<string, unknown> {
  const { text = "Hello from the test server.", model = "gemini-3.1-flash-lite", usage = true } = parts;
  const { finish = "STOP", finishReason = finish } = parts;
  const candidate = {
    content: { ...(text !== null && { parts: [{ text }] }), role: "model" },
    ...(finishReason !== null && { finishReason }),
    index: 0,
  };
  return {
    candidates: [candidate],
    ...(usage && { usageMetadata: USAGE }),
    modelVersion: model,
    responseId: "test-response",
  };
}

/** The same in chunks; the last has an empty text, as with a thought's signature. */
function contentStream({
  texts = ["Hello ", "from ", "the test server."],
  isWhole = true,
  ...rest
}: StreamParts = {}): RecordedAnswer {
  const chunks = texts.map((text) => content({ ...rest, text, finishReason: null }));
  if (isWhole) chunks.push(content({ ...rest, text: "" }));
  const bodyText = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join("");
  return { response: { status: 200, headers: { "content-type": "text/event-stream" }, bodyText } };
}
