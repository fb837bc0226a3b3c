import { describe, expect, it } from "vitest";
import { admissionPolicyOf } from "../../../src/config/policies.ts";
import { createPrices } from "../../../src/models/prices.ts";
import { createProviders } from "../../../src/providers/registry.ts";
import { generateRequest } from "../../support/generate-request.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { load, refusal } from "./load-with.ts";

const PUPPET_ENGINE_CONFIG = "c.json";

const loadWith = async (endpoints: unknown, environment = {}) =>
  await load({
    environment: { PUPPET_ENGINE_CONFIG, ...environment },
    files: { "c.json": JSON.stringify({ endpoints }) },
  });

const USAGE = {
  ...{ inputTokens: 1000, outputTokens: 100, cachedInputTokens: 0, reasoningTokens: 0 },
  ...{ estimated: false, raw: null },
};

describe("an endpoint of the configuration file", () => {
  it("is a provider like any other: model, key, headers, limits and prices", async () => {
    await using server = await startRecordedServer();
    const groq = {
      ...{ baseUrl: `${server.baseUrl}/chat/completions`, model: "llama-4", keyVariable: "GROQ_API_KEY" },
      headers: { "X-Title": "Puppet Engine", "X-Token": { variable: "GROQ_TOKEN" } },
      limits: [{ requestsPerMinute: 30 }],
      prices: [{ model: "llama-4", inputMtok: 2, outputMtok: 10 }],
    };
    const { file, notes, providers } = await loadWith({ groq }, { GROQ_API_KEY: "gsk-1", GROQ_TOKEN: "canary" });

    expect(providers.defaultModels["groq"]).toBe("llama-4");
    expect(providers.missingKeys.has("groq")).toBe(false);
    expect(notes).toContain(`endpoints.groq.baseUrl: used as ${server.baseUrl}`);
    expect(admissionPolicyOf(file, providers.definitions).limits).toMatchObject([
      { provider: "groq", model: null, requestsPerMinute: 30 },
    ]);
    const prices = createPrices({ catalogue: providers.catalogue });
    const call = { provider: "groq", model: "llama-4", usage: USAGE, reportedCostMicroUsd: null };
    expect(prices.priceOf(call)).toBe(3000);
    expect(prices.priceOf({ ...call, model: "llama-5" })).toBeNull();

    const registry = createProviders(providers.settings, providers);
    const [target] = registry.get("groq")?.targets("llama-4") ?? [];
    await target?.provider.generate(generateRequest({ model: "llama-4" }), new AbortController().signal);
    await registry.close();
    expect(target?.limitGroup).toMatch(/^groq\/llama-4#[0-9a-f]{8}$/);
    expect(server.calls[0]).toMatchObject({
      url: "/v1/chat/completions",
      headers: { authorization: "Bearer gsk-1", "x-title": "Puppet Engine", "x-token": "canary" },
    });
  });

  it("may be several local servers at once: free, without a limit, without a key", async () => {
    const local = { local: true, model: "m" };
    const { file, providers } = await loadWith({
      ollama: { ...local, baseUrl: "http://127.0.0.1:11434/v1" },
      vllm: { ...local, baseUrl: "http://127.0.0.1:8000/v1" },
    });
    const prices = createPrices({ catalogue: providers.catalogue });
    for (const provider of ["ollama", "vllm", "local"]) {
      expect(providers.settings[provider]).toEqual({ apiKeys: [] });
      expect(prices.priceOf({ provider, model: "m", usage: USAGE, reportedCostMicroUsd: null })).toBe(0);
    }
    expect([...admissionPolicyOf(file, providers.definitions).unlimited]).toEqual(["fake", "local", "ollama", "vllm"]);
  });

  it("has its name wherever a provider has one", async () => {
    const json = JSON.stringify({
      endpoints: { groq: { baseUrl: "https://api.groq.com/openai/v1", model: "m" } },
      limits: [{ provider: "groq", requestsPerMinute: 1 }],
      limitGroups: { groq: ["key"] },
      budgets: { providerUsdPerDay: { groq: 1 } },
      prices: [{ provider: "groq", model: "m", inputMtok: 1, outputMtok: 1 }],
    });
    const { file } = await load({ environment: { PUPPET_ENGINE_CONFIG }, files: { "c.json": json } });
    expect(Object.keys(file.endpoints)).toEqual(["groq"]);
  });
});

it("its price tiers count whatever order they have been written in", async () => {
  const tiers = [200_000, 100_000].map((fromInputTokens) => ({
    fromInputTokens,
    inputMtok: fromInputTokens,
    outputMtok: 0,
  }));
  const own = {
    baseUrl: "https://a.example/v1",
    model: "m",
    prices: [{ model: "m", inputMtok: 1, outputMtok: 1, tiers }],
  };
  const { providers } = await loadWith({ own });
  const prices = createPrices({ catalogue: providers.catalogue });
  const costOf = (inputTokens: number): number | null => {
    const usage = { ...USAGE, inputTokens, outputTokens: 0 };
    return prices.priceOf({ provider: "own", model: "m", usage, reportedCostMicroUsd: null });
  };
  expect([99_999, 150_000, 250_000].map(costOf)).toEqual([99_999, 150_000 * 100_000, 250_000 * 200_000]);
});

describe("an endpoint is refused", () => {
  const faultsOf = async (endpoints: string, environment = {}): Promise<string[]> =>
    await refusal({
      environment: { PUPPET_ENGINE_CONFIG, ...environment },
      files: { "c.json": `{"endpoints": {\n${endpoints}\n}}` },
    });

  it("for every wrong field, all at once", async () => {
    const endpoints = [
      '"Groq": {"baseUrl": "https://a.example/v1", "model": "m"},',
      '"openai": {"baseUrl": "https://a.example/v1", "model": "m"},',
      '"a": {"model": "", "keyVariable": "sk-proj-canary4711canary", "local": "yes"},',
      '"b": {"baseUrl": "https://a.example/v1", "model": "m", "headers": {"Authorization": "Bearer x"}},',
      '"c": {"baseUrl": "https://a.example/v1", "model": "m", "headers": {"X-A": "line\\nbreak"}, "apiKey": "k"},',
      '"d": {"baseUrl": "https://a.example/v1", "model": "m", "limits": [{}], "prices": [{"model": "m"}]}',
    ];
    const name = "a name: a lower-case letter, then up to 31 of a–z 0–9 -";
    const fields = "baseUrl, model, keyVariable, headers, local, limits, prices";
    expect(await faultsOf(endpoints.join("\n"))).toEqual([
      `c.json:2 endpoints.Groq: got "Groq"; expected ${name}`,
      "c.json:3 endpoints.openai: got the name of a provider that is there already; expected a name of its own",
      "c.json:4 endpoints.a.keyVariable: got what looks like a key (not shown); expected no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)",
      "c.json:4 endpoints.a.baseUrl: got nothing; expected text",
      'c.json:4 endpoints.a.model: got ""; expected the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit',
      'c.json:4 endpoints.a.local: got "yes"; expected true or false',
      'c.json:5 endpoints.b.headers.Authorization: got "Authorization"; expected the name of a header that is not set by the call itself',
      'c.json:6 endpoints.c.headers["X-A"]: got something else (not shown: it may be secret); expected printable text, or {"variable": "NAME"} for what is secret',
      `c.json:6 endpoints.c.apiKey: got an unknown field; expected one of ${fields}`,
      "c.json:7 endpoints.d.limits[0]: got an object; expected at least one of requestsPerSecond, requestsPerMinute, requestsPerDay, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute",
      "c.json:7 endpoints.d.prices[0].inputMtok: got nothing; expected a number",
      "c.json:7 endpoints.d.prices[0].outputMtok: got nothing; expected a number",
    ]);
  });

  it("with a name that JavaScript's objects have", async () => {
    const fields = '{"baseUrl": "https://a.example/v1", "model": "m"}';
    const names = ["constructor", "prototype", "__proto__", "toString"];
    const faults = await faultsOf(names.map((name) => `"${name}": ${fields}`).join(",\n"));
    expect(faults.map((fault) => fault.split(";")[0])).toEqual([
      ...["c.json:2 endpoints.constructor", "c.json:3 endpoints.prototype", "c.json:4 endpoints.__proto__"].map(
        (path) => `${path}: got a reserved name`,
      ),
      'c.json:5 endpoints.toString: got "toString"',
    ]);
  });

  it.each(["Accept-Encoding", "range", "Content-Encoding", "Proxy-Authorization", "proxy-x"])(
    "for a header of the call itself: %s",
    async (header) => {
      const headers = JSON.stringify({ [header]: "x" });
      expect(await faultsOf(`"a": {"baseUrl": "https://a.example/v1", "model": "m", "headers": ${headers}}`)).toEqual([
        expect.stringMatching(/; expected the name of a header that is not set by the call itself$/),
      ]);
    },
  );

  it("for a model that no model is called", async () => {
    expect(await faultsOf('"a": {"baseUrl": "https://a.example/v1", "model": " bad\\n"}')).toEqual([
      'c.json:2 endpoints.a.model: got " bad\\n"; expected the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit',
    ]);
  });

  it("when its address is not fit for a key, or a header's variable is not set", async () => {
    const headers = '"headers": {"X-Token": {"variable": "NO_SUCH"}}';
    expect(await faultsOf(`"a": {"baseUrl": "http://llm.example/v1", "model": "m", ${headers}}`)).toEqual([
      "configuration file endpoints.a.baseUrl: got http to llm.example: keys would travel unencrypted; expected an https URL of a public host, http of a loopback host, or a host in trustedEndpointHosts of the configuration file",
      "environment NO_SUCH: got nothing; expected the value of the header X-Token of endpoint a",
    ]);
  });

  it("with its key missing only when an agent needs it", async () => {
    const { providers } = await loadWith({
      groq: { baseUrl: "https://api.groq.com/openai/v1", model: "m", keyVariable: "GROQ_API_KEY" },
    });
    expect(providers.missingKeys.get("groq")).toEqual(["GROQ_API_KEY"]);
    expect(providers.settings["groq"]).toBeUndefined();
  });
});
