import { describe, expect, it } from "vitest";
import {
  createProviders,
  PROVIDERS,
  type ProviderSettings,
  type RegistryOptions,
} from "../../../src/providers/registry.ts";
import { generateRequest } from "../../support/generate-request.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

describe("PROVIDERS", () => {
  it("takes nothing for free but what runs on the operator's own machines", () => {
    expect(PROVIDERS.filter(({ isFree }) => isFree).map(({ id }) => id)).toEqual(["fake", "local"]);
  });

  it("names each variable after its provider, except those that have a name already", () => {
    const others = PROVIDERS.flatMap((definition) => {
      const { id, keyVariables, keyPoolVariables, modelVariable, endpointVariable, organizationVariable } = definition;
      const all = [...keyVariables, ...keyPoolVariables, modelVariable, endpointVariable, organizationVariable];
      return all.filter((name) => name !== null && !name.startsWith(`${id.toUpperCase()}_`));
    });
    expect(others).toEqual(["GOOGLE_API_KEY", "XAI_API_KEY", "XAI_API_KEYS"]);
  });
});

describe("createProviders", () => {
  it("has the providers that the settings have, and no others", async () => {
    const registry = createProviders({ grok: { apiKeys: ["key"] }, fake: {} });

    expect(registry.get("grok")?.targets("grok-4.3")[0]?.provider.id).toBe("grok");
    expect(registry.get("fake")?.targets("fake-1")[0]?.provider.id).toBe("fake");
    expect(registry.get("openai")).toBeUndefined();
    expect(registry.get("opneai")).toBeUndefined();
    expect(registry.get("__proto__")).toBeUndefined();
    await registry.close();
  });

  it("has limits to find out where there is a vendor", async () => {
    const registry = createProviders(EVERY_PROVIDER);
    const limited = PROVIDERS.map(({ id }) => [id, registry.get(id)?.limited]);
    expect(limited).toEqual(PROVIDERS.map(({ id, limited: isLimited }) => [id, isLimited]));
    expect(limited).toContainEqual(["openai", true]);
    await registry.close();
  });
});

/** The ids of the keys are those of `canary-1` and `canary-2`: the first digits of `printf canary-1 | sha256sum`. */
const EVERY_PROVIDER: ProviderSettings = Object.fromEntries(
  PROVIDERS.map(({ id, needsKey }) => [id, needsKey ? { apiKeys: ["canary-1", "canary-2"] } : {}]),
);

describe("targets", () => {
  async function namesOf(id: string, model: string, options?: RegistryOptions): Promise<unknown[]> {
    const registry = createProviders(EVERY_PROVIDER, options);
    const targets = registry.get(id)?.targets(model) ?? [];
    await registry.close();
    return targets.map(({ keyId, credential, limitGroup }) => [keyId, credential, limitGroup]);
  }

  it("are one per key, told apart by model and key without giving the key away", async () => {
    expect(await namesOf("openai", "gpt-6-luna")).toEqual([
      ["8cdb95b8", "openai#8cdb95b8", "openai/gpt-6-luna#8cdb95b8"],
      ["827d4a55", "openai#827d4a55", "openai/gpt-6-luna#827d4a55"],
    ]);
    expect(await namesOf("openai", "gpt-6-sol")).toEqual([
      ["8cdb95b8", "openai#8cdb95b8", "openai/gpt-6-sol#8cdb95b8"],
      ["827d4a55", "openai#827d4a55", "openai/gpt-6-sol#827d4a55"],
    ]);
  });

  it("of xAI share the limits of a model: they belong to the team", async () => {
    expect(await namesOf("grok", "grok-4.3")).toEqual([
      ["8cdb95b8", "grok#8cdb95b8", "grok/grok-4.3"],
      ["827d4a55", "grok#827d4a55", "grok/grok-4.3"],
    ]);
  });

  it("of Anthropic too: they belong to the organization", async () => {
    expect(await namesOf("anthropic", "claude-haiku-5-5")).toEqual([
      ["8cdb95b8", "anthropic#8cdb95b8", "anthropic/claude-haiku-5-5"],
      ["827d4a55", "anthropic#827d4a55", "anthropic/claude-haiku-5-5"],
    ]);
  });

  it("of Google share the limits of a model too: they belong to the project", async () => {
    expect(await namesOf("gemini", "gemini-3.8-flash")).toEqual([
      ["8cdb95b8", "gemini#8cdb95b8", "gemini/gemini-3.8-flash"],
      ["827d4a55", "gemini#827d4a55", "gemini/gemini-3.8-flash"],
    ]);
  });

  it("of a provider without keys are one", async () => {
    expect(await namesOf("fake", "fake-1")).toEqual([[null, "fake", "fake/fake-1"]]);
  });

  it.each([
    [
      ["model", "key"],
      ["openai/gpt-6-luna#8cdb95b8", "openai/gpt-6-luna#827d4a55"],
    ],
    [
      ["key", "model"],
      ["openai/gpt-6-luna#8cdb95b8", "openai/gpt-6-luna#827d4a55"],
    ],
    [["model"], ["openai/gpt-6-luna", "openai/gpt-6-luna"]],
    [["key"], ["openai#8cdb95b8", "openai#827d4a55"]],
    [[], ["openai", "openai"]],
  ] as const)("share limits as configured: %j", async (parts, limitGroups) => {
    const options = { limitGroups: { openai: parts } };
    const names = await namesOf("openai", "gpt-6-luna", options);
    expect(names.map((name) => (name as unknown[])[2])).toEqual(limitGroups);
    expect(await namesOf("grok", "grok-4.3", options)).toEqual(await namesOf("grok", "grok-4.3"));
  });

  it("call with their own key", async () => {
    await using server = await startRecordedServer();
    const { baseUrl } = server;
    const registry = createProviders({ openai: { apiKeys: ["key-1", "key-2"], baseUrl, organization: "org-1" } });
    const signal = new AbortController().signal;
    for (const { provider } of registry.get("openai")?.targets("gpt-6-luna") ?? []) {
      await provider.generate(generateRequest(), signal);
    }
    await registry.close();
    const seen = server.calls.map(({ headers }) => [headers["authorization"], headers["openai-organization"]]);
    expect(seen).toEqual([
      ["Bearer key-1", "org-1"],
      ["Bearer key-2", "org-1"],
    ]);
  });

  it("are remembered per model, and the instances are those of every model", async () => {
    const registry = createProviders(EVERY_PROVIDER);
    const openai = registry.get("openai");
    const targets = openai?.targets("gpt-6-luna");
    expect(openai?.targets("gpt-6-luna")).toBe(targets);
    expect(openai?.targets("gpt-6-sol")[1]?.provider).toBe(targets?.[1]?.provider);
    await registry.close();
  });

  it("are remembered for so many models only: jobs can name any number of them", async () => {
    const registry = createProviders({ fake: {} });
    const fake = registry.get("fake");
    const first = fake?.targets("model-0");
    for (let number = 1; number < 1000; number += 1) fake?.targets(`model-${number}`);
    expect(fake?.targets("model-0")).toBe(first);
    expect(fake?.targets("one-more")).toHaveLength(1);
    expect(fake?.targets("model-0")).not.toBe(first);
    expect(fake?.targets("model-0")).toEqual(first);
    await registry.close();
  });
});
