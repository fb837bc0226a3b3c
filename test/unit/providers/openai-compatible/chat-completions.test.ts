import { inspect } from "node:util";
import { expect, it } from "vitest";
import {
  createChatCompletions,
  type ChatCompletionsVendor,
} from "../../../../src/providers/openai-compatible/chat-completions.ts";
import { createHttpTransport } from "../../../../src/providers/http/http-transport.ts";
import { familySchema } from "../../../../src/models/models-file.ts";
import type { Provider } from "../../../../src/providers/provider.ts";
import { generateRequest } from "../../../support/generate-request.ts";
import { startRecordedServer, type RecordedServer } from "../../../support/recorded-server.ts";

async function use(
  server: RecordedServer,
  apiKey: string | null,
  work: (provider: Provider) => Promise<void>,
): Promise<void> {
  const transport = createHttpTransport();
  const vendor: ChatCompletionsVendor = {
    id: "local",
    baseUrl: server.baseUrl,
    apiKey,
    reasoningTokens: "inside-completion",
    family: () => familySchema.parse({ match: ["*"] }),
    takesClientRequestId: false,
  };
  try {
    await work(createChatCompletions(vendor, { transport, now: () => Date.parse("2026-11-23T12:00:00Z") }));
  } finally {
    await transport.close();
  }
}

const never = new AbortController().signal;

it("sends no authorization to a server without a key", async () => {
  await using server = await startRecordedServer();
  await use(server, null, async (provider) => {
    await provider.generate(generateRequest(), never);
  });

  expect(server.calls[0]?.headers).not.toHaveProperty("authorization");
});

it("tells nothing of a key that cannot stand in a header", async () => {
  const key = "canary\n4711";
  await using server = await startRecordedServer();
  await use(server, key, async (provider) => {
    const error: unknown = await provider.generate(generateRequest(), never).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ kind: "invalid-request", sent: "no", message: "the request could not be built" });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("canary");
  });
  expect(server.calls).toHaveLength(0);
});

it("reads a date in Retry-After with the clock it was given", async () => {
  const headers = { "retry-after": "Mon, 23 Nov 2026 12:00:09 GMT", date: "not a date" };
  await using server = await startRecordedServer({ response: { status: 503, headers, bodyText: "" } });
  await use(server, "key", async (provider) => {
    await expect(provider.generate(generateRequest(), never)).rejects.toMatchObject({
      kind: "overloaded",
      retryAfterMs: 9000,
      message: "HTTP 503: no body",
    });
  });
});

it("quotes no prompt", async () => {
  const request = generateRequest();
  const prompt = request.messages[1]?.content ?? "";
  const body = { error: { message: `Cannot read "${prompt}"`, code: "bad" } };
  await using server = await startRecordedServer({ response: { status: 400, headers: {}, body } });
  await use(server, "key", async (provider) => {
    await expect(provider.generate(request, never)).rejects.toMatchObject({
      kind: "invalid-request",
      code: "bad",
      message: 'HTTP 400: Cannot read "[prompt]',
    });
  });
});
