import { describe, expect, it } from "vitest";
import { familySchema } from "../../../../src/models/models-file.ts";
import { createHttpProvider } from "../../../../src/providers/http/http-provider.ts";
import { keepSecret } from "../../../../src/platform/secrets.ts";
import { createHttpTransport } from "../../../../src/providers/http/http-transport.ts";
import { createChatCompletions } from "../../../../src/providers/openai-compatible/chat-completions.ts";
import type { GenerateResponse } from "../../../../src/providers/provider.ts";
import type { ProviderError } from "../../../../src/providers/provider-error.ts";
import { generateRequest, type RequestChanges } from "../../../support/generate-request.ts";
import { startRecordedServer } from "../../../support/recorded-server.ts";

const never = new AbortController().signal;

const SECRET = "supersecret-0123456789";

/** What comes of an answer with this body, from a server that calls itself what it likes. */
async function outcomeOf(
  bodyText: string,
  { status = 200, type = "text/event-stream", ...changes }: RequestChanges & { status?: number; type?: string } = {},
): Promise<GenerateResponse | ProviderError> {
  await using server = await startRecordedServer({ response: { status, headers: { "content-type": type }, bodyText } });
  const transport = createHttpTransport();
  const provider = createChatCompletions(
    {
      ...{ id: "lab", baseUrl: server.baseUrl, apiKey: null, headers: { "api-key": SECRET } },
      ...{ reasoningTokens: "inside-completion", takesClientRequestId: false },
      family: () => familySchema.parse({ match: ["*"] }),
    },
    { transport },
  );
  try {
    const request = generateRequest({ parameters: { stream: type === "text/event-stream" }, ...changes });
    return await provider.generate(request, never).catch((error: unknown) => error as ProviderError);
  } finally {
    await transport.close();
  }
}

const event = (data: unknown): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const piece = (content: string, finish_reason: string | null = null): unknown => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
});

describe("half of a text is no text, whatever follows it:", () => {
  const DONE = event("[DONE]");
  it.each([
    ["the end of the stream alone", DONE, "invalid-response"],
    ["an error as vLLM tells it", event({ object: "error", message: "out of memory", code: 500 }) + DONE, "overloaded"],
    ["an event that is named an error", `event: error\ndata: {"message":"no"}\n\n${DONE}`, "invalid-response"],
    [
      "an error in the choice, as OpenRouter tells it",
      event({ choices: [{ delta: { content: "" }, finish_reason: "error", error: { code: 502, message: "no" } }] }),
      "overloaded",
    ],
    ["the finish reason `error`", event(piece("", "error")) + DONE, "invalid-response"],
    [
      "the finish reason `insufficient_system_resource`",
      event(piece("", "insufficient_system_resource")),
      "invalid-response",
    ],
  ])("%s", async (_, rest, kind) => {
    expect(await outcomeOf(event(piece("half of the")) + rest)).toMatchObject({ kind, sent: "yes", hasBegun: true });
  });
});

it("an error in place of a whole answer is judged by what it says", async () => {
  const body = JSON.stringify({ error: { code: 402, message: "Insufficient credits" } });
  expect(await outcomeOf(body, { type: "application/json" })).toMatchObject({
    ...{ kind: "quota-exhausted", status: 200, hasBegun: false },
    message: "HTTP 200, then an error in place of an answer: Insufficient credits",
  });
});

it("what a model may have reasoned is part of a usage that has to be estimated", async () => {
  const text = event(piece("12345678", "stop"));
  const { usage } = (await outcomeOf(text, { capTokens: 280 + 2048 })) as GenerateResponse;
  expect(usage).toMatchObject({ estimated: true, outputTokens: 2 + 2048, reasoningTokens: 2048 });
});

it("secrets in other headers than the key's are kept out of errors", async () => {
  keepSecret(SECRET);
  const body = JSON.stringify({ error: { message: `Access denied: invalid key ${SECRET}` } });
  const failure = (await outcomeOf(body, { status: 401, type: "application/json" })) as ProviderError;
  expect(failure.message).toBe("HTTP 401: Access denied: invalid key [key]");
});

it("words of the prompt that a server quotes do not decide what its answer means", async () => {
  const content = "Why do so many people see 'invalid api key' errors, and what does it say about us?";
  const detail = [{ type: "value_error", loc: ["body", "messages"], msg: "no", input: content }];
  const failure = await outcomeOf(JSON.stringify({ detail }), {
    ...{ status: 422, type: "application/json", messages: [{ role: "user", content }] },
  });
  expect(failure).toMatchObject({ kind: "invalid-request" });
});

it("a package that cannot be loaded is told, and is no fault of the request: a fall-back may be asked", async () => {
  const transport = createHttpTransport();
  const missing = Object.assign(new Error("Cannot find package 'x' imported from /somewhere"), {
    code: "ERR_MODULE_NOT_FOUND",
  });
  const provider = createHttpProvider(
    {
      ...{ id: "lab", sentHeaders: [], build: () => ({ body: {}, adjustedParams: [] }) },
      ...{ send: () => Promise.resolve(), read: () => null, prepare: () => Promise.reject(missing) },
      openStream: () => ({ push: () => undefined, text: () => "", whole: () => null, isOver: () => false }),
    },
    { transport },
  );
  await expect(provider.generate(generateRequest(), never)).rejects.toMatchObject({
    ...{ kind: "network", sent: "no" },
    message: "the package that calls lab could not be loaded (ERR_MODULE_NOT_FOUND); is it installed?",
  });
  await transport.close();
});
