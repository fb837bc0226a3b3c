import { describe, expect, it } from "vitest";
import { createProviders, PROVIDERS } from "../../../src/providers/registry.ts";

describe("PROVIDERS", () => {
  it("says what each provider needs", () => {
    expect(PROVIDERS.map(({ create: _create, key: _key, ...data }) => data)).toEqual([
      {
        id: "openai",
        keyVariables: ["OPENAI_API_KEY"],
        modelVariable: "OPENAI_MODEL",
        endpointVariable: "OPENAI_BASE_URL",
        organizationVariable: "OPENAI_ORGANIZATION",
        needsKey: true,
        defaultModel: "gpt-6-luna",
        defaultBaseUrl: "https://api.openai.com/v1",
      },
      {
        id: "grok",
        keyVariables: ["GROK_API_KEY", "XAI_API_KEY"],
        modelVariable: "GROK_MODEL",
        endpointVariable: "GROK_API_ENDPOINT",
        organizationVariable: null,
        needsKey: true,
        defaultModel: "grok-4.3",
        defaultBaseUrl: "https://api.x.ai/v1",
      },
      {
        id: "fake",
        keyVariables: [],
        modelVariable: null,
        endpointVariable: null,
        organizationVariable: null,
        needsKey: false,
        defaultModel: "fake-1",
        defaultBaseUrl: null,
      },
    ]);
  });
});

describe("createProviders", () => {
  it("has the providers that the settings have, and no others", async () => {
    const registry = createProviders({ grok: { apiKey: "key" }, fake: {} });

    expect(registry.get("grok")?.provider.id).toBe("grok");
    expect(registry.get("fake")?.provider.id).toBe("fake");
    expect(registry.get("openai")).toBeUndefined();
    expect(registry.get("opneai")).toBeUndefined();
    expect(registry.get("__proto__")).toBeUndefined();
    await registry.close();
  });

  it("tells limit groups apart by provider, model and key, without giving the key away", async () => {
    const settings = { openai: { apiKey: "canary-1" }, grok: { apiKey: "canary-1" }, fake: {} };
    const registry = createProviders(settings);
    const other = createProviders({ openai: { apiKey: "canary-2" } });

    expect(registry.get("openai")?.limitGroup("gpt-6-luna")).toBe("openai/gpt-6-luna#8cdb95b8");
    expect(registry.get("openai")?.limitGroup("gpt-6-sol")).toBe("openai/gpt-6-sol#8cdb95b8");
    expect(registry.get("grok")?.limitGroup("grok-4.3")).toMatch(/^grok\/grok-4\.3#[0-9a-f]{8}$/);
    expect(registry.get("fake")?.limitGroup("fake-1")).toBe("fake/fake-1");
    expect(other.get("openai")?.limitGroup("gpt-6-luna")).not.toBe("openai/gpt-6-luna#8cdb95b8");
    await registry.close();
    await other.close();
  });
});
