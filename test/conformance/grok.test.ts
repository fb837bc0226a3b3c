import { describe, expect, it } from "vitest";
import { createCatalogue } from "../../src/models/model-catalogue.ts";
import { createPrices } from "../../src/models/prices.ts";
import type { GenerateResponse } from "../../src/providers/provider.ts";
import { createProviders, PROVIDERS, type ProviderRegistry } from "../../src/providers/registry.ts";
import { generateRequest, type RequestChanges } from "../support/generate-request.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { providerConformance } from "./provider.conformance.ts";
import { CHAT_COMPLETIONS } from "./wires/chat-completions.ts";

const GROK = {
  ...CHAT_COMPLETIONS,
  folders: ["grok"],
  recorded: {
    ...CHAT_COMPLETIONS.recorded,
    streams: [
      {
        file: "grok/200-stream-reasoning.json",
        ...{ begins: "1, 2", ends: "3" },
        usage: { inputTokens: 137, cachedInputTokens: 128, outputTokens: 133, reasoningTokens: 126, estimated: false },
      },
    ],
  },
};

function startGrok({ baseUrl, apiKey }: { baseUrl: string; apiKey: string }): ProviderRegistry {
  return createProviders({ grok: { baseUrl, apiKeys: [apiKey] } });
}

providerConformance({ id: "grok", model: "grok-4.3", start: startGrok, wire: GROK });

async function callGrok(server: RecordedServer, changes: RequestChanges): Promise<GenerateResponse> {
  const registry = startGrok({ baseUrl: server.baseUrl, apiKey: "key" });
  try {
    const provider = registry.get("grok")?.targets("grok-4.3")[0]?.provider;
    if (provider === undefined) throw new Error("grok is not registered");
    return await provider.generate(generateRequest(changes), new AbortController().signal);
  } finally {
    await registry.close();
  }
}

describe("grok", () => {
  it("sends only what current Grok models take, and reports the rest", async () => {
    await using server = await startRecordedServer();
    const { adjustedParams } = await callGrok(server, {
      model: "grok-4.7",
      capTokens: 2328,
      parameters: { frequencyPenalty: 0.5, presencePenalty: 0.5, logitBias: { "1": 5 } },
    });

    expect(server.calls[0]?.body).toEqual({
      model: "grok-4.7",
      messages: generateRequest().messages,
      // Reasoning counts against it: 280 are for the text.
      max_completion_tokens: 2328,
      reasoning_effort: "low",
      temperature: 0.7,
      top_p: 0.9,
    });
    expect(adjustedParams.map(({ parameter, change }) => `${parameter}: ${change}`)).toEqual([
      "reasoning_effort: set to low",
      "max_tokens: raised from 280 to 2328",
      "max_tokens: renamed to max_completion_tokens",
      "frequency_penalty: dropped",
      "presence_penalty: dropped",
      "logit_bias: dropped",
    ]);
  });

  it("counts reasoning beside the completion, and the cost in ticks is what our prices say", async () => {
    await using server = await startRecordedServer(recordedAnswer("grok/200-grok-4.3-reasoning-cached.json"));
    const { usage, reportedCostMicroUsd } = await callGrok(server, { model: "grok-4.3" });

    expect(usage).toMatchObject({ inputTokens: 137, cachedInputTokens: 128, outputTokens: 117, reasoningTokens: 116 });
    expect(reportedCostMicroUsd).toBe(329.35);
    const prices = createPrices({ catalogue: createCatalogue(PROVIDERS) });
    const call = { provider: "grok", model: "grok-4.3", usage };
    expect(prices.priceOf({ ...call, reportedCostMicroUsd: null })).toBe(329.35);
  });

  it("bills short reasoning too", async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 100, completion_tokens_details: { reasoning_tokens: 50 } };
    await using server = await startRecordedServer(completionAnswer({ usage }));

    expect((await callGrok(server, {})).usage.outputTokens).toBe(150);
  });

  it("is told of a wrong key by a 400", async () => {
    await using server = await startRecordedServer(recordedAnswer("grok/400-incorrect-api-key.json"));

    await expect(callGrok(server, {})).rejects.toMatchObject({
      kind: "authentication",
      status: 400,
      message: "HTTP 400: Incorrect API key provided. You can obtain an API key from https://console.x.ai.",
    });
  });

  it("sends no id that xAI does not document", async () => {
    await using server = await startRecordedServer();
    await callGrok(server, {});

    expect(server.calls[0]?.headers).not.toHaveProperty("x-client-request-id");
  });
});
