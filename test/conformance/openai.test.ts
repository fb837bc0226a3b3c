import { describe, expect, it } from "vitest";
import type { Provider } from "../../src/providers/provider.ts";
import { createProviders, type ProviderRegistry } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { providerConformance } from "./provider.conformance.ts";
import { CHAT_COMPLETIONS } from "./wires/chat-completions.ts";

function startOpenAi({ baseUrl, apiKey }: { baseUrl: string; apiKey: string }): ProviderRegistry {
  return createProviders({ openai: { baseUrl, apiKeys: [apiKey], organization: "org-1" } });
}

function openAiOf(registry: ProviderRegistry): Provider | undefined {
  return registry.get("openai")?.targets("gpt-6-luna")[0]?.provider;
}

providerConformance({ id: "openai", model: "gpt-6-luna", start: startOpenAi, wire: CHAT_COMPLETIONS });

describe("openai", () => {
  it("sends what GPT-6 takes, the organisation, and an id to find the call by", async () => {
    await using server = await startRecordedServer(recordedAnswer("openai/200-reasoning-tokens.json"));
    const registry = startOpenAi({ baseUrl: server.baseUrl, apiKey: "key" });
    const request = generateRequest({ attemptId: "j_42.3", parameters: { presencePenalty: 0.5, user: "agent-7" } });
    const response = await openAiOf(registry)?.generate(request, new AbortController().signal);
    await registry.close();

    const [call] = server.calls;
    expect(call?.headers).toMatchObject({ "openai-organization": "org-1", "x-client-request-id": "j_42.3" });
    expect(call?.body).toEqual({
      model: "gpt-6-luna",
      messages: request.messages,
      max_completion_tokens: 280,
      reasoning_effort: "none",
      temperature: 0.7,
      top_p: 0.9,
      presence_penalty: 0.5,
      user: "agent-7",
    });
    expect(response).toMatchObject({
      text: "4",
      model: "gpt-5-nano-2025-08-07",
      finishReason: "stop",
      requestId: "req_XXXX",
      reportedCostMicroUsd: null,
      usage: { inputTokens: 13, outputTokens: 74, reasoningTokens: 64 },
    });
    expect(response?.adjustedParams.map(({ parameter, change }) => `${parameter}: ${change}`)).toEqual([
      "reasoning_effort: set to none",
      "max_tokens: renamed to max_completion_tokens",
    ]);
  });

  it("names the parameter that the model refused, and leaves it out when told to", async () => {
    const refusal = recordedAnswer("openai/400-unsupported-value-temperature.json");
    await using server = await startRecordedServer(refusal, recordedAnswer("openai/200-text.json"));
    const registry = startOpenAi({ baseUrl: server.baseUrl, apiKey: "key" });
    const provider = openAiOf(registry);
    const signal = new AbortController().signal;

    await expect(provider?.generate(generateRequest(), signal)).rejects.toMatchObject({
      kind: "unsupported-parameter",
      parameter: "temperature",
    });
    const response = await provider?.generate(generateRequest({ omit: ["temperature"] }), signal);
    await registry.close();

    expect(server.calls[1]?.body).not.toHaveProperty("temperature");
    expect(response?.adjustedParams).toContainEqual({
      parameter: "temperature",
      change: "dropped",
      why: "the vendor refused it earlier",
    });
  });

  it("takes nothing from the environment of the SDK", async () => {
    const names = ["OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL", "OPENAI_LOG"];
    const before = names.map((name) => process.env[name]);
    process.env["OPENAI_CUSTOM_HEADERS"] = "Authorization: Bearer stolen\nX-Custom: 1";
    process.env["OPENAI_ORG_ID"] = "org-of-the-environment";
    process.env["OPENAI_PROJECT_ID"] = "project-of-the-environment";
    process.env["OPENAI_BASE_URL"] = "http://127.0.0.1:1";
    process.env["OPENAI_LOG"] = "debug";
    try {
      await using server = await startRecordedServer();
      const registry = createProviders({ openai: { baseUrl: server.baseUrl, apiKeys: ["key"] } });
      await openAiOf(registry)?.generate(generateRequest(), new AbortController().signal);
      await registry.close();

      const headers = server.calls[0]?.headers ?? {};
      expect(headers["authorization"]).toBe("Bearer key");
      expect(Object.keys(headers).sort()).toEqual([
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-client-request-id",
      ]);
    } finally {
      names.forEach((name, index) => {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      });
    }
  });
});
