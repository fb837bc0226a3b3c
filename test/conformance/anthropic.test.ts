import { describe, expect, it, vi } from "vitest";
import { ANTHROPIC } from "../../src/providers/anthropic/anthropic-provider.ts";
import { listModels } from "../../src/providers/http/list-models.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { createProviders, type ProviderRegistry } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { providerConformance } from "./provider.conformance.ts";
import { never } from "./subject.ts";
import { MESSAGES } from "./wires/messages.ts";

const MODEL = "claude-haiku-5-5";

function startAnthropic({ baseUrl }: { readonly baseUrl: string }): ProviderRegistry {
  return createProviders({ anthropic: { baseUrl, apiKeys: ["key"] } });
}

function anthropicOf(registry: ProviderRegistry): Provider | undefined {
  return registry.get("anthropic")?.targets(MODEL)[0]?.provider;
}

providerConformance({ id: "anthropic", model: MODEL, wire: MESSAGES });

describe("anthropic", () => {
  it("sends what Haiku 5.5 takes, in the version of the API that its parameters belong to", async () => {
    await using server = await startRecordedServer(recordedAnswer("anthropic/200-cache-write-and-read.json"));
    // The recorded server's address ends in /v1, which is fine too.
    const registry = startAnthropic(server);
    const request = generateRequest({ model: MODEL, parameters: { presencePenalty: 0.5, user: "agent-7" } });
    const response = await anthropicOf(registry)?.generate(request, never);
    await registry.close();

    const [call] = server.calls;
    expect(call?.url).toBe("/v1/messages");
    expect(call?.headers).toMatchObject({ "x-api-key": "key", "anthropic-version": "2023-06-01" });
    expect(call?.body).toEqual({
      model: MODEL,
      system: request.messages[0]?.content,
      messages: [request.messages[1]],
      max_tokens: 280,
      metadata: { user_id: "agent-7" },
      thinking: { type: "disabled" },
    });
    expect(response).toMatchObject({
      model: "claude-sonnet-4-5-20250929",
      finishReason: "stop",
      rawFinishReason: "end_turn",
      requestId: "msg_01KPaKTJSqAKoZri7Ujrny58",
      reportedCostMicroUsd: null,
      usage: { inputTokens: 1532, cachedInputTokens: 1111, cacheWriteInputTokens: 418, outputTokens: 33 },
    });
    expect(response?.adjustedParams.map(({ parameter, change }) => `${parameter}: ${change}`)).toEqual([
      "reasoning_effort: set to none",
      "temperature: dropped",
      "top_p: dropped",
      "presence_penalty: dropped",
      "user: renamed to metadata.user_id",
    ]);
  });

  it("sends the temperature to models that take one, and nothing else that samples", async () => {
    await using server = await startRecordedServer(MESSAGES.whole());
    const registry = startAnthropic(server);
    const request = generateRequest({ model: "claude-haiku-4-5", parameters: { temperature: 1.4 } });
    const response = await anthropicOf(registry)?.generate(request, never);
    await registry.close();

    expect(server.calls[0]?.body).toMatchObject({ temperature: 1, max_tokens: 280 });
    expect(server.calls[0]?.body).not.toHaveProperty("top_p");
    expect(response?.adjustedParams).toContainEqual({
      parameter: "temperature",
      change: "changed from 1.4 to 1",
      why: "the nearest that this model takes",
    });
  });

  it("names what the model refused, and leaves it out when told to", async () => {
    await using server = await startRecordedServer(
      recordedAnswer("anthropic/400-thinking-disabled-not-supported.json"),
      recordedAnswer("anthropic/400-effort-not-supported.json"),
      MESSAGES.whole(),
    );
    const registry = startAnthropic(server);
    const provider = anthropicOf(registry);
    const haiku = generateRequest({ model: MODEL });
    const opus = generateRequest({ model: "claude-opus-5-5" });

    await expect(provider?.generate(haiku, never)).rejects.toMatchObject({ parameter: "thinking" });
    await expect(provider?.generate(opus, never)).rejects.toMatchObject({ parameter: "output_config.effort" });
    await provider?.generate({ ...haiku, omit: ["thinking"] }, never);
    await provider?.generate({ ...opus, omit: ["output_config.effort"] }, never);
    await registry.close();

    const asked = server.calls.map(({ body }) => [body?.["thinking"], body?.["output_config"]]);
    expect(asked).toEqual([
      [{ type: "disabled" }, undefined],
      [undefined, { effort: "low" }],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it("passes the vendor's own word on a spending limit on, and its code", async () => {
    await using server = await startRecordedServer(recordedAnswer("anthropic/429-spend-limit-reached.json"));
    const registry = startAnthropic(server);
    await expect(anthropicOf(registry)?.generate(generateRequest(), never)).rejects.toMatchObject({
      kind: "quota-exhausted",
      code: "enforced_spend_limit_reached",
      message: expect.stringMatching(/^HTTP 429: You have reached your API usage limits: /) as string,
    });
    await registry.close();
  });

  it("says which policy a refusal was about", async () => {
    await using server = await startRecordedServer(recordedAnswer("anthropic/200-refusal.json"));
    const registry = startAnthropic(server);
    await expect(anthropicOf(registry)?.generate(generateRequest(), never)).rejects.toMatchObject({
      kind: "content-filtered",
      message: "HTTP 200: the model refused (reasoning_extraction)",
    });
    await registry.close();
  });
});

describe("the package of Anthropic", () => {
  it("takes nothing from the environment", async () => {
    vi.stubEnv(
      "ANTHROPIC_CUSTOM_HEADERS",
      "X-Api-Key: stolen\nx-api-key: stolen\nAuthorization: Bearer stolen\nX-Own: 1",
    );
    vi.stubEnv("ANTHROPIC_API_KEY", "key-of-the-environment");
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "token-of-the-environment");
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    vi.stubEnv("ANTHROPIC_LOG", "debug");
    try {
      await using server = await startRecordedServer(MESSAGES.whole());
      const registry = startAnthropic(server);
      await anthropicOf(registry)?.generate(generateRequest(), never);
      await registry.close();

      const headers = server.calls[0]?.headers ?? {};
      expect(headers["x-api-key"]).toBe("key");
      expect(Object.keys(headers).sort()).toEqual([
        "accept",
        "anthropic-version",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-api-key",
      ]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("writes nothing to the console, about old models neither", async () => {
    const warn = vi.spyOn(console, "warn");
    try {
      await using server = await startRecordedServer(MESSAGES.whole(), recordedAnswer("anthropic/529-overloaded.json"));
      const registry = startAnthropic(server);
      const request = generateRequest({ model: "claude-sonnet-4-5" });
      await anthropicOf(registry)?.generate(request, never);
      await anthropicOf(registry)
        ?.generate(request, never)
        .catch(() => undefined);
      await registry.close();
      expect(server.calls).toHaveLength(2);
      expect(warn.mock.calls).toEqual([]);
    } finally {
      warn.mockRestore();
    }
  });
});

describe("Anthropic's list of models", () => {
  it.each(["", "/v1"])(
    "is asked for at an address that ends in %j, and names what snapshots are called for short",
    async (end) => {
      await using server = await startRecordedServer(recordedAnswer("anthropic/200-models.json"), modelList);
      const baseUrl = new URL(server.baseUrl).origin + end;
      const list = ANTHROPIC.modelList?.({ apiKey: "key", baseUrl });
      if (list === undefined) throw new Error("there is no list");

      const old = await listModels("anthropic", list);
      expect(old.map(({ model }) => model)).toEqual(
        expect.arrayContaining(["claude-3-7-sonnet-20250219", "claude-2.1"]),
      );
      const today = await listModels("anthropic", list);
      expect(today.map(({ model }) => model)).toEqual([MODEL, "claude-haiku-4-5-20251001", "claude-haiku-4-5"]);
      expect(server.calls[0]).toMatchObject({
        ...{ method: "GET", url: "/v1/models?limit=1000" },
        headers: { "x-api-key": "key", "anthropic-version": "2023-06-01" },
      });
    },
  );
});

function modelList(): ReturnType<typeof MESSAGES.whole> {
  const data = [MODEL, "claude-haiku-4-5-20251001"].map((id) => ({ type: "model", id }));
  const headers = { "content-type": "application/json" };
  return { response: { status: 200, headers, body: { data, has_more: false } } };
}
