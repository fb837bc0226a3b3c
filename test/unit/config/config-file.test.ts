import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, retentionOf } from "../../../src/config/config-file.ts";
import { load, refusal } from "./load-with.ts";

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
    expect(providers.settings.fake).toEqual({
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
      'c.json:3 retries.atempts: got an unknown field; expected one of attempts, maxCalls, baseSeconds, capSeconds, failOverOnContentFilter; did you mean "attempts"?',
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
      'c.json:15 prises: got an unknown field; expected one of retries, maxWaitSeconds, pauseSeconds, retention, worker, trustedEndpointHosts, fake, prices; did you mean "prices"?',
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
