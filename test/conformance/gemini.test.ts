import { describe, expect, it, vi } from "vitest";
import { createCatalogue } from "../../src/models/model-catalogue.ts";
import type { GenerateResponse } from "../../src/providers/provider.ts";
import { createProviders, PROVIDERS, type ProviderRegistry } from "../../src/providers/registry.ts";
import { generateRequest, type RequestChanges } from "../support/generate-request.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { providerConformance } from "./provider.conformance.ts";
import { GEMINI_WIRE } from "./wires/gemini.ts";

const MODEL = "gemini-3.1-flash-lite";

function startGemini({ baseUrl, apiKey }: { baseUrl: string; apiKey: string }): ProviderRegistry {
  return createProviders({ gemini: { baseUrl, apiKeys: [apiKey] } });
}

providerConformance({ id: "gemini", model: MODEL, start: startGemini, wire: GEMINI_WIRE });

async function callGemini(server: RecordedServer, changes: RequestChanges = {}): Promise<GenerateResponse> {
  const baseUrl = GEMINI_WIRE.baseUrl(new URL(server.baseUrl).origin);
  const registry = startGemini({ baseUrl, apiKey: "key" });
  try {
    const provider = registry.get("gemini")?.targets(MODEL)[0]?.provider;
    if (provider === undefined) throw new Error("gemini is not registered");
    return await provider.generate(generateRequest({ model: MODEL, ...changes }), new AbortController().signal);
  } finally {
    await registry.close();
  }
}

const told = ({ adjustedParams }: GenerateResponse): string[] =>
  adjustedParams.map(({ parameter, change }) => `${parameter}: ${change}`);

describe("gemini", () => {
  it("sends Google's form of the request, and reports what is not as configured", async () => {
    await using server = await startRecordedServer(GEMINI_WIRE.whole());
    const response = await callGemini(server, {
      capTokens: 1304,
      parameters: { frequencyPenalty: 0.5, presencePenalty: 0.5, logitBias: { "1": 5 }, user: "agent-7" },
      messages: [
        { role: "system", content: "You are brief." },
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Hi" },
        { role: "user", content: "Who are you?" },
        { role: "user", content: "Say it in French." },
      ],
    });

    expect(server.calls[0]?.body).toEqual({
      systemInstruction: { parts: [{ text: "You are brief." }] },
      contents: [
        { role: "user", parts: [{ text: "Hello" }] },
        { role: "model", parts: [{ text: "Hi" }] },
        { role: "user", parts: [{ text: "Who are you?\n\nSay it in French." }] },
      ],
      generationConfig: {
        temperature: 0.7,
        topP: 0.9,
        // Thoughts count against it: 280 are for the text.
        maxOutputTokens: 1304,
        thinkingConfig: { thinkingLevel: "MINIMAL" },
      },
    });
    expect(told(response)).toEqual([
      "reasoning_effort: set to minimal",
      "max_tokens: raised from 280 to 1304",
      "frequency_penalty: dropped",
      "presence_penalty: dropped",
      "logit_bias: dropped",
      "user: dropped",
    ]);
  });

  it.each([
    ["gemini-2.5-flash-lite", { thinkingBudget: 0 }],
    ["gemini-2.5-pro", { thinkingBudget: 128 }],
    ["gemini-3.5-flash-lite", { thinkingLevel: "MINIMAL" }],
    ["gemini-3.1-pro-preview", { thinkingLevel: "LOW" }],
    ["gemini-3.8-flash", { thinkingLevel: "LOW" }],
    ["gemini-4-neon", { thinkingLevel: "LOW" }],
  ])("asks %s for the least thinking that it takes", async (model, thinkingConfig) => {
    await using server = await startRecordedServer(GEMINI_WIRE.whole());
    await callGemini(server, { model });

    expect(server.calls[0]?.body?.["generationConfig"]).toMatchObject({ thinkingConfig });
  });

  it("sends penalties where they are taken, and neither any more once one was refused", async () => {
    const refusal = recordedAnswer("gemini/400-penalty-not-enabled.json");
    await using server = await startRecordedServer(GEMINI_WIRE.whole(), refusal, GEMINI_WIRE.whole());
    const changes = { model: "gemini-2.0-flash", parameters: { frequencyPenalty: 0.5, presencePenalty: 0.25 } };

    expect(told(await callGemini(server, changes))).toEqual([]);
    expect(server.calls[0]?.body?.["generationConfig"]).toMatchObject({ frequencyPenalty: 0.5, presencePenalty: 0.25 });
    await expect(callGemini(server, changes)).rejects.toMatchObject({
      kind: "unsupported-parameter",
      parameter: "frequency_penalty",
      message: "HTTP 400: Penalty is not enabled for models/gemini-2.5-pro",
    });
    const without = await callGemini(server, { ...changes, omit: ["frequency_penalty"] });
    expect(told(without)).toEqual(["frequency_penalty: dropped", "presence_penalty: dropped"]);
    expect(Object.keys(server.calls[2]?.body?.["generationConfig"] ?? {})).not.toContain("presencePenalty");
  });

  it("says nothing of thinking any more once that was refused", async () => {
    const refusal = recordedAnswer("gemini/400-thinking-level-not-supported.json");
    await using server = await startRecordedServer(refusal, GEMINI_WIRE.whole());

    await expect(callGemini(server)).rejects.toMatchObject({ parameter: "thinkingConfig" });
    expect(told(await callGemini(server, { omit: ["thinkingConfig"] }))).toEqual(["reasoning_effort: dropped"]);
    expect(server.calls[1]?.body?.["generationConfig"]).toEqual({ temperature: 0.7, topP: 0.9, maxOutputTokens: 280 });
  });

  it("counts thoughts beside the text", async () => {
    await using server = await startRecordedServer(recordedAnswer("gemini/200-text.json"));

    expect(await callGemini(server)).toMatchObject({
      text: "2 + 2 = 4",
      model: "gemini-2.5-flash",
      requestId: "6FHOadezB5-VnsEPxMKRmAU",
      usage: { inputTokens: 10, outputTokens: 85, reasoningTokens: 78 },
    });
  });

  it("says what a prompt was blocked for", async () => {
    await using server = await startRecordedServer(recordedAnswer("gemini/200-prompt-blocked.json"));

    await expect(callGemini(server)).rejects.toMatchObject({
      kind: "content-filtered",
      message: "HTTP 200: the prompt was blocked (PROHIBITED_CONTENT)",
    });
  });

  it("takes an endpoint without a version for one of v1beta", async () => {
    await using server = await startRecordedServer(GEMINI_WIRE.whole());
    const registry = startGemini({ baseUrl: new URL(server.baseUrl).origin, apiKey: "key" });
    const provider = registry.get("gemini")?.targets(MODEL)[0]?.provider;
    await provider?.generate(generateRequest({ model: MODEL }), new AbortController().signal);
    await registry.close();

    expect(server.calls[0]?.url).toBe(GEMINI_WIRE.path(MODEL, "whole"));
  });

  it("takes a model's name with the folder, as Google itself writes it", async () => {
    await using server = await startRecordedServer(GEMINI_WIRE.whole());
    await callGemini(server, { model: "models/gemini-2.5-flash" });
    expect(server.calls[0]).toMatchObject({
      url: "/v1beta/models/gemini-2.5-flash:generateContent",
      body: { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
    });
  });

  it("refuses a model's name that would change the address", async () => {
    await using server = await startRecordedServer(GEMINI_WIRE.whole());

    await expect(callGemini(server, { model: "gemini?key=1" })).rejects.toMatchObject({
      kind: "invalid-request",
      sent: "no",
      message: "the request could not be built",
    });
    expect(server.calls).toEqual([]);
  });
});

describe("gemini takes nothing from the environment of the package", () => {
  const ENVIRONMENT = {
    GOOGLE_API_KEY: "key-of-the-environment",
    GEMINI_API_KEY: "other-key-of-the-environment",
    GOOGLE_GENAI_USE_VERTEXAI: "true",
    GOOGLE_GENAI_USE_ENTERPRISE: "false",
    GOOGLE_CLOUD_PROJECT: "project-of-the-environment",
    GOOGLE_CLOUD_LOCATION: "us-central1",
    GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:1",
    GOOGLE_VERTEX_BASE_URL: "http://127.0.0.1:1",
    GOOGLE_GENAI_API_VERSION: "v9",
  };

  it("and writes nothing to the console", async () => {
    for (const [name, value] of Object.entries(ENVIRONMENT)) vi.stubEnv(name, value);
    const written = (["debug", "log", "info", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
    try {
      await using server = await startRecordedServer(GEMINI_WIRE.whole(), GEMINI_WIRE.stream());
      await callGemini(server);
      await callGemini(server, { parameters: { stream: true } });

      expect(server.calls.map(({ url }) => url)).toEqual([
        GEMINI_WIRE.path(MODEL, "whole"),
        GEMINI_WIRE.path(MODEL, "stream"),
      ]);
      for (const { headers } of server.calls) {
        expect(headers["x-goog-api-key"]).toBe("key");
        expect(headers["user-agent"]).toBe("puppet-engine-generation-worker");
        expect(Object.keys(headers).sort()).toEqual(SENT);
      }
      expect(written.flatMap(({ mock }) => mock.calls)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
  });
});

const SENT = ["connection", "content-length", "content-type", "host", "user-agent", "x-goog-api-key"];

describe("gemini's list of models", () => {
  it("has those that write texts, under the names that agents use", () => {
    const gemini = PROVIDERS.find(({ id }) => id === "gemini");
    const connection = { apiKey: "key", baseUrl: "https://generativelanguage.googleapis.com/v1beta" };
    const list = gemini?.modelList?.(connection);

    expect(list?.url).toBe("https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000");
    expect(list?.headers).toEqual({ "x-goog-api-key": "key" });
    expect(list?.read(recordedAnswer("gemini/200-models.json").response.body)).toEqual([
      { model: "gemini-1.5-pro-002", retiresOn: null },
      { model: "gemini-1.5-flash-002", retiresOn: null },
    ]);
    expect(list?.read({ error: "no list" })).toEqual([]);
  });

  it("has the default model in the catalogue, with no end in sight", () => {
    const { models } = createCatalogue(PROVIDERS);
    const entry = models.find(({ provider, model }) => provider === "gemini" && model === MODEL);
    expect(PROVIDERS.find(({ id }) => id === "gemini")?.defaultModel).toBe(entry?.model);
    expect(entry?.retiresOn).toBeUndefined();
  });
});
