import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, retentionOf } from "../../../src/config/config-file.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { load, refusal } from "./load-with.ts";

const KNOWN = PROVIDERS.map(({ id }) => id).join(", ");

const environment = { PUPPET_ENGINE_CONFIG: "c.json" };

const faultsOf = async (json: string): Promise<string[]> => await refusal({ environment, files: { "c.json": json } });
const SECONDS = "expected seconds, a number from 0.001 to 86400";

describe("a configuration file", () => {
  it("may leave out everything", async () => {
    expect((await load({ environment, files: { "c.json": "{}" } })).file).toEqual(DEFAULT_CONFIG);
  });

  it("may have comments and trailing commas", async () => {
    const json = '{\n  // less patient\n  "retries": {"attempts": 2,},\n}\n';
    const { file } = await load({ environment, files: { "c.json": json } });
    expect(file.retries).toEqual({ ...DEFAULT_CONFIG.retries, attempts: 2 });
  });

  it("says how the fake provider behaves and what models cost", async () => {
    const json = `{
      "fake": {"seed": "s", "latencyMs": {"min": 1, "max": 2}, "failureRate": 0.5},
      "prices": [{"provider": "openai", "model": "mine", "inputMtok": 1, "outputMtok": 2, "tiers": []}]
    }`;
    const { file, providers } = await load({ environment, files: { "c.json": json } });
    expect(providers.settings["fake"]?.options).toEqual({
      seed: "s",
      latencyMs: { min: 1, max: 2 },
      failureRate: 0.5,
      refuseRate: 0,
    });
    expect(file.prices).toEqual([{ provider: "openai", model: "mine", inputMtok: 1, outputMtok: 2, tiers: [] }]);
  });

  it("gives whole milliseconds, which are all that Redis takes", () => {
    const retention = { resultsDays: 1 / 7, countersDays: 0.001, usageRowsDays: 7, usageRows: 10 };
    expect(retentionOf({ ...DEFAULT_CONFIG, retention })).toEqual({
      resultsMs: 12_342_857,
      countersMs: 86_400,
      usageRowsMs: 604_800_000,
      usageRows: 10,
    });
  });
});

describe("a configuration file is refused", () => {
  it("for every wrong field, with its line and what was meant", async () => {
    const json = `{
  "retries": {
    "atempts": 2,
    "attempts": 0,
    "maxCalls": 13,
    "baseSeconds": "1",
    "failOverOnContentFilter": "yes"
  },
  "maxWaitSeconds": {"reply": null},
  "pauseSeconds": -1,
  "retention": {"resultsDays": 0, "usageRows": 1.5},
  "worker": [],
  "trustedEndpointHosts": ["http://llm.example", "llm.example:8080"],
  "fake": {"latencyMs": {"min": 2, "max": 1}, "failureRate": 2},
  "prises": []
}`;
    expect(await faultsOf(json)).toEqual([
      'c.json:3 retries.atempts: got an unknown field; expected one of attempts, maxCalls, baseSeconds, capSeconds, failOverOnContentFilter, failOverAfter; did you mean "attempts"?',
      "c.json:4 retries.attempts: got 0; expected an integer from 1 to 10",
      "c.json:5 retries.maxCalls: got 13; expected an integer from 1 to 12",
      `c.json:6 retries.baseSeconds: got "1"; ${SECONDS}`,
      'c.json:7 retries.failOverOnContentFilter: got "yes"; expected true or false',
      `c.json:9 maxWaitSeconds.reply: got null; ${SECONDS}`,
      `c.json:10 pauseSeconds: got -1; ${SECONDS}`,
      "c.json:11 retention.resultsDays: got 0; expected days, a number from 0.001 to 3650",
      "c.json:11 retention.usageRows: got 1.5; expected an integer from 1 to 100000000",
      "c.json:12 worker: got a list; expected an object",
      'c.json:13 trustedEndpointHosts[0]: got "http://llm.example"; expected a host name or an IP address, without https://, port and path',
      'c.json:13 trustedEndpointHosts[1]: got "llm.example:8080"; expected a host name or an IP address, without https://, port and path',
      "c.json:14 fake.latencyMs: got an object; expected min not above max",
      "c.json:14 fake.failureRate: got 2; expected a number from 0 to 1",
      `c.json:15 prises: got an unknown field; expected one of ${Object.keys(DEFAULT_CONFIG).join(", ")}; did you mean "prices"?`,
    ]);
  });

  it("for wrong prices", async () => {
    const json = `{"prices": [
      {"provider": "openai", "model": "", "inputMTok": 1, "outputMtok": -1, "readOn": "yesterday"},
      5
    ]}`;
    expect(await faultsOf(json)).toEqual([
      'c.json:2 prices[0].model: got ""; expected text with a length of at least 1',
      "c.json:2 prices[0].inputMtok: got nothing; expected a number",
      "c.json:2 prices[0].outputMtok: got -1; expected a number of at least 0",
      'c.json:2 prices[0].readOn: got "yesterday"; expected a valid ISO date',
      "c.json:2 prices[0].inputMTok: got an unknown field; expected no such field",
      "c.json:3 prices[1]: got 5; expected an object",
    ]);
  });

  it("for a field that it has twice", async () => {
    expect(await faultsOf('{\n"pauseSeconds": 1,\n"pauseSeconds": 2\n}')).toEqual([
      "c.json:3 pauseSeconds: got a field that line 2 has already; expected each field once",
    ]);
  });

  it("for text that is no JSON, without showing it", async () => {
    expect(await faultsOf('{\n"pauseSeconds": canary-canary}')).toEqual([
      "c.json:2: got an unknown word; expected a JSON value: an object, a list, a string in quotation marks, a number, true, false or null",
    ]);
    expect(await faultsOf("[]")).toEqual(["c.json:1: got a list; expected an object"]);
  });
});

describe("limits in a configuration file", () => {
  it("are for a model or for all of a provider, and say how they are counted", async () => {
    const json = `{"limits": [
      {"provider": "openai", "model": "gpt-6-luna", "requestsPerMinute": 500, "tokensPerMinute": 200000},
      {"provider": "openai", "model": "gpt-6-terra", "requestsPerSecond": 0.5, "inputTokensPerMinute": 1, "outputTokensPerMinute": 2},
      {"provider": "openai", "requestsPerDay": 10000, "dayEndsIn": "America/Los_Angeles", "burstSeconds": 0.1, "tokensCounted": "cap"}
    ]}`;
    const { file } = await load({ environment, files: { "c.json": json } });
    const usual = { provider: "openai", dayEndsIn: "UTC", burstSeconds: 1, tokensCounted: "used" };
    expect(file.limits).toEqual([
      { ...usual, model: "gpt-6-luna", requestsPerMinute: 500, tokensPerMinute: 200_000 },
      {
        ...{ ...usual, model: "gpt-6-terra", requestsPerSecond: 0.5 },
        ...{ inputTokensPerMinute: 1, outputTokensPerMinute: 2 },
      },
      {
        ...{ ...usual, requestsPerDay: 10_000, dayEndsIn: "America/Los_Angeles" },
        ...{ burstSeconds: 0.1, tokensCounted: "cap" },
      },
    ]);
  });

  it("are refused for every wrong field", async () => {
    const json = `{"limits": [
      {"provider": "opneai", "model": "", "requestsPerMinute": 0, "tokensPerMinute": -1},
      {"requestsPerSecond": "8", "dayEndsIn": "Mars/Olympus"},
      {"provider": "grok", "burstSeconds": 61, "tokensCounted": "both", "dayEndsIn": 0},
      {"provider": "grok"},
      {"provider": "fake", "requestPerMinute": 1},
      7
    ]}`;
    const amount = "expected a number from 0.001 to 1000000000000";
    const timeZone = 'expected an IANA time zone such as "UTC" or "America/Los_Angeles"';
    const fields =
      "provider, model, requestsPerSecond, requestsPerMinute, requestsPerDay, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute, dayEndsIn, burstSeconds, tokensCounted";
    expect(await faultsOf(json)).toEqual([
      'c.json:2 limits[0].model: got ""; expected text that is not empty',
      `c.json:2 limits[0].requestsPerMinute: got 0; ${amount}`,
      `c.json:2 limits[0].tokensPerMinute: got -1; ${amount}`,
      `c.json:2 limits[0].provider: got "opneai"; expected one of ${KNOWN}; did you mean "openai"?`,
      `c.json:3 limits[1].provider: got nothing; expected the id of a provider`,
      `c.json:3 limits[1].requestsPerSecond: got "8"; ${amount}`,
      `c.json:3 limits[1].dayEndsIn: got "Mars/Olympus"; ${timeZone}`,
      `c.json:4 limits[2].dayEndsIn: got 0; ${timeZone}`,
      "c.json:4 limits[2].burstSeconds: got 61; expected seconds, a number from 0.1 to 60",
      'c.json:4 limits[2].tokensCounted: got "both"; expected "used" or "cap"',
      "c.json:5 limits[3]: got an object; expected at least one of requestsPerSecond, requestsPerMinute, requestsPerDay, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute",
      `c.json:6 limits[4].requestPerMinute: got an unknown field; expected one of ${fields}; did you mean "requestsPerMinute"?`,
      "c.json:7 limits[5]: got 7; expected an object",
    ]);
    expect(await faultsOf('{"limits": {}}')).toEqual(["c.json:1 limits: got an object; expected a list of limits"]);
  });

  it("are refused when a provider and model have two, whatever else is wrong", async () => {
    const json = `{"limits": [
      {"provider": "openai", "model": "gpt-6-luna", "requestsPerMinute": 1},
      {"provider": "openai", "requestsPerMinute": 1},
      {"provider": "grok", "requestsPerMinute": 1},
      {"provider": "openai", "tokensPerMinute": "0"},
      {"provider": "openai", "model": "gpt-6-luna", "requestsPerDay": 1}
    ]}`;
    expect(await faultsOf(json)).toEqual([
      'c.json:5 limits[3].tokensPerMinute: got "0"; expected a number from 0.001 to 1000000000000',
      "c.json:5 limits[3]: got the provider and model of limits[1]; expected each provider and model once",
      "c.json:6 limits[4]: got the provider and model of limits[0]; expected each provider and model once",
    ]);
  });

  it("may be shared otherwise than is usual with a vendor", async () => {
    const json = '{"limitGroups": {"openai": ["model"], "grok": [], "fake": ["key", "model"]}}';
    const { file } = await load({ environment, files: { "c.json": json } });
    expect(file.limitGroups).toEqual({ openai: ["model"], grok: [], fake: ["key", "model"] });
    expect(await faultsOf('{"limitGroups": {\n"gork": [],\n"openai": "model",\n"grok": ["team"]}}')).toEqual([
      `c.json:2 limitGroups.gork: got an unknown provider; expected one of ${KNOWN}; did you mean "grok"?`,
      'c.json:3 limitGroups.openai: got "model"; expected a list of what tells them apart: "model", "key", both or none',
      'c.json:4 limitGroups.grok[0]: got "team"; expected "model" or "key"',
    ]);
    expect(await faultsOf('{"limitGroups": []}')).toEqual([
      "c.json:1 limitGroups: got a list; expected an object: provider → its setting",
    ]);
  });
});

describe("breaker, fail-over and budgets in a configuration file", () => {
  it("may be changed one by one", async () => {
    const json = `{
      "retries": {"failOverAfter": {"bulk": 1}},
      "breaker": {"openSeconds": 5},
      "budgets": {"globalUsdPerDay": 100, "providerUsdPerDay": {"grok": 0}, "agentsUsdPerDay": {"ada": 2.5}}
    }`;
    const { file } = await load({ environment, files: { "c.json": json } });
    expect(file.retries.failOverAfter).toEqual({ reply: 1, scheduled: 3, bulk: 1 });
    expect(file.breaker).toEqual({ ...DEFAULT_CONFIG.breaker, openSeconds: 5 });
    expect(file.budgets).toEqual({
      ...DEFAULT_CONFIG.budgets,
      ...{ globalUsdPerDay: 100, providerUsdPerDay: { grok: 0 }, agentsUsdPerDay: { ada: 2.5 } },
    });
  });

  it("are refused for every wrong field", async () => {
    const json = `{
  "retries": {"failOverAfter": {"reply": 0, "bulk": 11, "scheduled": 1.5, "urgent": 1}},
  "breaker": {"failureShare": 0, "minCalls": 0, "windowSeconds": 0, "openSeconds": "30", "halfOpen": 1},
  "budgets": {
    "globalUsdPerDay": -1,
    "providerUsdPerDay": {"opanai": 1, "grok": null},
    "agentUsdPerDay": "5",
    "agentsUsdPerDay": {"ada": -1, "a b": 1},
    "warnShare": 80,
    "unknownPrice": "ask"
  }
}`;
    const integer = "expected an integer from 1 to 10";
    const usd = "USD, a number from 0 to 1000000000";
    expect(await faultsOf(json)).toEqual([
      `c.json:2 retries.failOverAfter.reply: got 0; ${integer}`,
      `c.json:2 retries.failOverAfter.scheduled: got 1.5; ${integer}`,
      `c.json:2 retries.failOverAfter.bulk: got 11; ${integer}`,
      "c.json:2 retries.failOverAfter.urgent: got an unknown field; expected one of reply, scheduled, bulk",
      "c.json:3 breaker.failureShare: got 0; expected a number from 0.01 to 1",
      "c.json:3 breaker.minCalls: got 0; expected an integer from 1 to 10000",
      `c.json:3 breaker.windowSeconds: got 0; ${SECONDS}`,
      `c.json:3 breaker.openSeconds: got "30"; ${SECONDS}`,
      "c.json:3 breaker.halfOpen: got an unknown field; expected one of failureShare, minCalls, windowSeconds, openSeconds",
      `c.json:5 budgets.globalUsdPerDay: got -1; expected null, or ${usd}`,
      `c.json:6 budgets.providerUsdPerDay.grok: got null; expected ${usd}`,
      `c.json:6 budgets.providerUsdPerDay.opanai: got an unknown provider; expected one of ${KNOWN}; did you mean "openai"?`,
      `c.json:7 budgets.agentUsdPerDay: got "5"; expected null, or ${usd}`,
      `c.json:8 budgets.agentsUsdPerDay.ada: got -1; expected ${usd}`,
      'c.json:8 budgets.agentsUsdPerDay["a b"]: got "a b"; expected the id of an agent: 1–128 characters of A–Z a–z 0–9 _ -',
      "c.json:9 budgets.warnShare: got 80; expected a number from 0 to 1",
      'c.json:10 budgets.unknownPrice: got "ask"; expected "allow" or "refuse"',
    ]);
    expect(await faultsOf('{"budgets": {"agentsUsdPerDay": 5}}')).toEqual([
      "c.json:1 budgets.agentsUsdPerDay: got 5; expected an object: agent id → USD",
    ]);
  });
});
