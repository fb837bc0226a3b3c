import { expect, it } from "vitest";
import { createProviders } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { providerConformance } from "./provider.conformance.ts";
import { never } from "./subject.ts";
import { CHAT_COMPLETIONS } from "./wires/chat-completions.ts";

const tokens = (inputTokens: number, outputTokens: number) => ({ inputTokens, outputTokens, estimated: false });

/** Each of these servers streams a little differently. */
const LOCAL = {
  ...CHAT_COMPLETIONS,
  folders: ["openai-compatible"],
  recorded: {
    ...CHAT_COMPLETIONS.recorded,
    streams: [
      { file: "openai-compatible/200-stream-ollama.json", begins: "1", ends: "3", usage: tokens(17, 289) },
      { file: "openai-compatible/200-stream-vllm.json", begins: "1, 2", ends: "5", usage: tokens(46, 14) },
      { file: "openai-compatible/200-stream-llama-box.json", begins: "\n\n1", ends: "3.", usage: tokens(15, 171) },
      { file: "openai-compatible/200-stream-openrouter.json", begins: "1", ends: "3", usage: tokens(15, 9) },
    ],
    streamError: {
      file: "openai-compatible/200-stream-openrouter-error.json",
      kind: "invalid-request",
      comesFirst: false,
    },
  },
};

providerConformance({ id: "local", model: "llama3.2", wire: LOCAL });

it("local needs no key, and sends none", async () => {
  await using server = await startRecordedServer();
  const registry = createProviders({ local: { baseUrl: server.baseUrl } });
  const [target, ...others] = registry.get("local")?.targets("qwen3:8b") ?? [];
  const response = await target?.provider.generate(generateRequest({ model: "qwen3:8b" }), never);
  await registry.close();

  expect(response?.text).toBe("Hello from the test server.");
  expect(others).toEqual([]);
  expect(target).toMatchObject({ keyId: null, credential: "local", limitGroup: "local/qwen3:8b" });
  expect(server.calls[0]?.headers).not.toHaveProperty("authorization");
});
