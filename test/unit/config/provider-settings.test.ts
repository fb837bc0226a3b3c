import { describe, expect, it } from "vitest";
import { admissionPolicyOf } from "../../../src/config/policies.ts";
import { createPrices } from "../../../src/models/prices.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { load, refusal, refusalOf } from "./load-with.ts";

const KEY = "sk-proj-abcdefghijklmnop1234567890";
const EXPECTED_KEY = "expected the key alone, as the vendor shows it, or an empty variable";

describe("a key", () => {
  it("makes its provider available", async () => {
    const { providers } = await load({ environment: { OPENAI_API_KEY: KEY } });
    expect(providers.settings["openai"]).toEqual({ apiKeys: [KEY] });
    expect([...providers.missingKeys.keys()]).toContain("grok");
    expect([...providers.missingKeys.keys()]).not.toContain("openai");
  });

  it("may stand in `.env` or in a mounted file", async () => {
    expect(
      (await load({ files: { ".env": `OPENAI_API_KEY=${KEY}\n` } })).providers.settings["openai"]?.apiKeys,
    ).toEqual([KEY]);
    const files = { key: `${KEY}\n`, ".env": "OPENAI_API_KEY_FILE=key\n" };
    const config = await load({ files });
    expect(config.providers.settings["openai"]?.apiKeys).toEqual([KEY]);
    expect(config.notes).toEqual([]);
  });

  it("of xAI may have either name; the documented one wins, and that is said", async () => {
    const { providers } = await load({ environment: { XAI_API_KEY: "xai-1" } });
    expect(providers.settings["grok"]).toEqual({ apiKeys: ["xai-1"] });
    const both = await load({ environment: { XAI_API_KEY: "xai-1", GROK_API_KEY: "xai-2" } });
    expect(both.providers.settings["grok"]).toEqual({ apiKeys: ["xai-2"] });
    expect(both.notes).toEqual(["XAI_API_KEY: not used, because GROK_API_KEY is set"]);
    expect((await load({ environment: { XAI_API_KEY: "xai-1", GROK_API_KEY: "xai-1" } })).notes).toEqual([]);
  });

  it("is trimmed, with a note that does not show it", async () => {
    const config = await load({ environment: { OPENAI_API_KEY: ` ${KEY}\r\n` } });
    expect(config.providers.settings["openai"]?.apiKeys).toEqual([KEY]);
    expect(config.notes).toEqual(["OPENAI_API_KEY: white space around the key was removed"]);
  });

  it.each([
    "your_openai_api_key",
    "your-key-here",
    "YOUR_KEY",
    "<your key>",
    "...",
    "sk-...",
    "sk-your-key",
    "xxxxxxxx",
    "sk-xxxx",
    "changeme",
    "replace_me",
    "***",
    "TODO",
  ])("is no placeholder such as %s", async (placeholder) => {
    expect(await refusalOf({ OPENAI_API_KEY: placeholder })).toEqual([
      `environment OPENAI_API_KEY: got the placeholder of a template; ${EXPECTED_KEY}`,
    ]);
  });

  it.each([
    ["a line break", `${KEY}\n${KEY}`, "white space inside"],
    ["a space", `Bearer ${KEY}`, "white space inside"],
    ["a non-breaking space", `sk-abc\u00a0def`, "white space inside"],
    ["a dash that a word processor made", "sk–abcdefghijklmnop1234567890", "characters that are not printable ASCII"],
    ["a zero-width space", `${KEY}\u200b`, "characters that are not printable ASCII"],
    ["a control character", `${KEY}\u0007`, "characters that are not printable ASCII"],
  ])("is refused with %s, and not shown", async (_, key, got) => {
    const message = await refusalOf({ OPENAI_API_KEY: key });
    expect(message).toEqual([`environment OPENAI_API_KEY: got ${got}; ${EXPECTED_KEY}`]);
    expect(message.join()).not.toMatch(/abc/);
  });

  it("is refused when it is given twice", async () => {
    const environment = { GROK_API_KEY: "canary-1", GROK_API_KEY_FILE: "key" };
    expect(await refusal({ environment, files: { key: "canary-2" } })).toEqual([
      "environment GROK_API_KEY: got GROK_API_KEY and GROK_API_KEY_FILE; expected one of them",
    ]);
  });

  it("is refused when its file cannot be read or is empty", async () => {
    const environment = { OPENAI_API_KEY_FILE: "key" };
    const expected = "expected the path of a mounted secret";
    expect(await refusal({ environment })).toEqual([
      `environment OPENAI_API_KEY_FILE: got a file that cannot be read; ${expected}`,
    ]);
    expect(await refusal({ environment, files: { key: " \n" } })).toEqual([
      `environment OPENAI_API_KEY_FILE: got a file with nothing in it; ${expected}`,
    ]);
  });
});

describe("a model", () => {
  it("is the provider's default, or the one that is set", async () => {
    const { providers } = await load({ environment: { OPENAI_MODEL: "ft:gpt-6-luna:acme::a1" } });
    const defaults = Object.fromEntries(PROVIDERS.map(({ id, defaultModel }) => [id, defaultModel]));
    expect(providers.defaultModels).toEqual({ ...defaults, openai: "ft:gpt-6-luna:acme::a1" });
  });

  it.each([
    ["gpt 6", '"gpt 6"'],
    ["-m", '"-m"'],
    [`${KEY} `.repeat(2), "what looks like a key (not shown)"],
  ])("is refused when it is %s", async (model, got) => {
    expect(await refusalOf({ OPENAI_MODEL: model })).toEqual([
      `environment OPENAI_MODEL: got ${got}; expected the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit`,
    ]);
  });
});

describe("an organization", () => {
  it("goes with the key", async () => {
    const environment = { OPENAI_API_KEY: KEY, OPENAI_ORGANIZATION: " org-1 " };
    expect((await load({ environment })).providers.settings["openai"]).toEqual({
      apiKeys: [KEY],
      organization: "org-1",
    });
  });

  it.each([
    ["your_org_id", "the placeholder of a template"],
    ["org 1", "white space inside"],
  ])("is refused when it is %s", async (organization, got) => {
    expect(await refusalOf({ OPENAI_ORGANIZATION: organization })).toEqual([
      `environment OPENAI_ORGANIZATION: got ${got}; expected the id of an organization, or an empty variable`,
    ]);
  });
});

describe("an endpoint", () => {
  const baseUrlOf = async (url: string): Promise<unknown> => {
    const { providers, notes } = await load({ environment: { GROK_API_KEY: "xai-1", GROK_API_ENDPOINT: url } });
    return [providers.settings["grok"]?.baseUrl, ...notes];
  };

  it("is used as it is, or as a base URL with a note", async () => {
    expect(await baseUrlOf("https://eu.x.ai/v1")).toEqual(["https://eu.x.ai/v1"]);
    expect(await baseUrlOf("https://eu.x.ai/v1/chat/completions/")).toEqual([
      "https://eu.x.ai/v1",
      "GROK_API_ENDPOINT: used as https://eu.x.ai/v1",
    ]);
    expect(await baseUrlOf("https://api.x.ai/v1"), "the default, which needs no setting").toEqual([undefined]);
    expect(await baseUrlOf("http://127.0.0.1:11434/v1")).toEqual(["http://127.0.0.1:11434/v1"]);
  });

  it("of the source's documentation is used with a warning", async () => {
    expect(await baseUrlOf("https://api.grok.x.com/v1/chat/completions")).toEqual([
      "https://api.grok.x.com/v1",
      "GROK_API_ENDPOINT: used as https://api.grok.x.com/v1",
      "GROK_API_ENDPOINT: no xAI document names the host api.grok.x.com; the documented one is https://api.x.ai/v1",
    ]);
  });

  it("is refused when keys would travel unencrypted, or to a private address", async () => {
    const allow =
      "expected an https URL of a public host, http of a loopback host, or a host in trustedEndpointHosts of the configuration file";
    expect(await refusalOf({ OPENAI_BASE_URL: "http://llm.example/v1" })).toEqual([
      `environment OPENAI_BASE_URL: got http to llm.example: keys would travel unencrypted; ${allow}`,
    ]);
    expect(await refusalOf({ OPENAI_BASE_URL: "http://169.254.169.254/" })).toEqual([
      `environment OPENAI_BASE_URL: got the private or link-local address 169.254.169.254; ${allow}`,
    ]);
    expect(await refusalOf({ OPENAI_BASE_URL: "https://user:canary@llm.example" })).toEqual([
      "environment OPENAI_BASE_URL: got a URL with credentials; expected the key in its own variable",
    ]);
  });

  it("may be anything on a host that the operator trusts, however it is written", async () => {
    const files = { "c.json": '{"trustedEndpointHosts": ["LLM.example", "10.0.0.7"]}' };
    for (const url of ["http://llm.example/v1", "http://LLM.EXAMPLE:8080/v1", "http://10.0.0.7/v1"]) {
      const environment = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: url, PUPPET_ENGINE_CONFIG: "c.json" };
      expect((await load({ environment, files })).providers.settings["openai"]?.baseUrl).toBe(url.toLowerCase());
    }
    const environment = { OPENAI_BASE_URL: "http://other.example", PUPPET_ENGINE_CONFIG: "c.json" };
    expect(await refusal({ environment, files })).toHaveLength(1);
  });
});

describe("local models", () => {
  const USAGE = {
    ...{ inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 },
    ...{ estimated: false, raw: null },
  };

  /** What a million tokens cost, whether there are limits to find out, and what people are told. */
  async function localAt(url: string, file: object = {}) {
    const environment = { LOCAL_BASE_URL: url, PUPPET_ENGINE_CONFIG: "c.json" };
    const config = await load({ environment, files: { "c.json": JSON.stringify(file) } });
    const { catalogue, definitions } = config.providers;
    const prices = createPrices({ catalogue, overrides: config.file.prices });
    const call = { provider: "local", model: "m", usage: USAGE, reportedCostMicroUsd: null };
    const { unlimited } = admissionPolicyOf(config.file, definitions);
    return { cost: prices.priceOf(call), isLimited: !unlimited.has("local"), notes: config.notes };
  }

  it.each([
    ["http://127.0.0.1:8000/v1", {}],
    ["http://localhost:8000/v1", {}],
    ["https://[::1]:8000/v1", {}],
    ["http://10.0.0.7:8000/v1", { trustedEndpointHosts: ["10.0.0.7"] }],
    ["https://llm.example.com/v1", { trustedEndpointHosts: ["llm.example.com"] }],
  ])("cost nothing on the operator's own machines: %s", async (url, file) => {
    expect(await localAt(url, file)).toEqual({ cost: 0, isLimited: false, notes: [] });
  });

  it("have the price of somebody else's, or none that is known, on a public host", async () => {
    const url = "https://openrouter.ai/api/v1";
    const note =
      "LOCAL_BASE_URL: openrouter.ai is no host of your own: what it costs is in prices, if anywhere; " +
      "if it is, name it in trustedEndpointHosts of the configuration file";
    expect(await localAt(url)).toEqual({ cost: null, isLimited: true, notes: [note] });
    const prices = [{ provider: "local", model: "m", inputMtok: 2, outputMtok: 0 }];
    expect(await localAt(url, { prices })).toMatchObject({ cost: 2_000_000, isLimited: true });
  });
});
