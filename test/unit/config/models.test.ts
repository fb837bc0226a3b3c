import { describe, expect, it } from "vitest";
import { compileOptions } from "../../../src/compose.ts";
import type { Config } from "../../../src/config/load-config.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { retirementOf } from "../../../src/models/retirement.ts";
import { messageOf } from "../agents/compile-options.ts";
import { load, refusal } from "./load-with.ts";

const NOW = Date.UTC(2026, 10, 26);
const environment = { PUPPET_ENGINE_CONFIG: "c.json" };

const loadFile = async (file: object, env: Readonly<Record<string, string>> = {}): Promise<Config> =>
  await load({ environment: { ...environment, ...env }, files: { "c.json": JSON.stringify(file) }, now: NOW });
const refusalOfFile = async (json: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> =>
  await refusal({ environment: { ...environment, ...env }, files: { "c.json": json }, now: NOW });

function agentFaults(config: Config, llmConfig: object): string {
  const file = { id: "ada", name: "Ada", llm_config: llmConfig };
  return messageOf(() => parseAgentObject("agent", file, compileOptions(config, NOW)));
}

describe("models in the configuration file", () => {
  it("add one that nobody knew, with its limits", async () => {
    const own = { provider: "openai", model: "our-own", contextTokens: 32_000, outputTokens: 2000, bestFor: "Haiku" };
    const config = await loadFile({ models: { models: [own] } });
    const { catalogue } = config.providers;
    expect(catalogue.entry("openai", "our-own")).toMatchObject(own);
    expect(catalogue.capTokens({ provider: "openai", model: "our-own", maxTokens: 9000, factor: 1 })).toBe(2000);
    expect(agentFaults(config, { model: "our-own", max_tokens: 2001 })).toBe(
      "agent llm_config.max_tokens: got 2001; expected an integer from 1 to 2000, the limit of our-own",
    );
  });

  it("change a date and the replacement, and nothing else", async () => {
    const own = { provider: "openai", model: "gpt-6-luna", retiresOn: "2026-11-30", replacement: "gpt-6.1-terra" };
    const { catalogue } = (await loadFile({ models: { models: [own] } })).providers;
    const end = { when: "soon", retiresOn: "2026-11-30", replacement: "gpt-6.1-terra" };
    expect(retirementOf(catalogue, { provider: "openai", model: "gpt-6-luna" }, NOW)).toEqual(end);
    expect(catalogue.entry("openai", "gpt-6-luna")).toMatchObject({ contextTokens: 1_050_000, bestFor: "High volume" });
  });

  it("change a context", async () => {
    const own = { provider: "openai", model: "gpt-6-luna", contextTokens: 9000 };
    const { catalogue } = (await loadFile({ models: { models: [own] } })).providers;
    expect(catalogue.entry("openai", "gpt-6-luna")?.contextTokens).toBe(9000);
  });

  it("change what a family takes, before the shipped rules", async () => {
    const own = { provider: "openai", match: ["gpt-6-luna*"], parameters: { temperature: { min: 0.2, max: 1.5 } } };
    const config = await loadFile({ models: { families: [own] } });
    expect(config.providers.catalogue.family("openai", "gpt-6-luna").parameters).toEqual(own.parameters);
    expect(agentFaults(config, { temperature: 1.6 })).toBe(
      "agent llm_config.temperature: got 1.6; expected a number from 0.2 to 1.5 (openai)",
    );
    expect(agentFaults(config, { model: "gpt-4o", temperature: 1.6 })).toBe("nothing was thrown");
  });

  it("describe the models of an endpoint of the operator's own", async () => {
    const endpoints = { ours: { baseUrl: "https://llm.example.com/v1", model: "m" } };
    const own = { provider: "ours", model: "m", contextTokens: 4096 };
    const { catalogue } = (await loadFile({ endpoints, models: { models: [own] } })).providers;
    expect(catalogue.entry("ours", "m")?.contextTokens).toBe(4096);
  });

  it("are refused with their lines when something is wrong with them", async () => {
    const json = `{ "models": {
      "models": [
        { "provider": "opneai", "model": "m" },
        { "provider": "openai", "model": "m", "retiresOn": "soon" },
        { "provider": "openai", "model": "m", "outputTokens": 0 }],
      "families": [
        { "provider": "openai", "match": ["m"], "parameters": { "temperature": { "drop": true } } },
        { "provider": "openai", "match": ["m"], "parameters": { "temprature": { "max": 1 } } }]
    }, "retiredModels": "ignore" }`;
    const faults = await refusalOfFile(json);
    const lines = [4, 5, 7, 8, 9];
    for (const line of lines) expect(faults.join("\n")).toMatch(new RegExp(`^c\\.json:${line} `, "m"));
    expect(faults).toContain('c.json:9 retiredModels: got "ignore"; expected "warn", "substitute" or "refuse"');
  });

  it("are refused with a range that holds nothing, and with a cap that writes nothing", async () => {
    const family = (parameters: object): object => ({ provider: "openai", match: ["m"], parameters });
    const families = [
      family({ temperature: { min: 1, max: 0.5 } }),
      ...[-3, 0, 100.5].map((max) => family({ max_tokens: { max } })),
    ];
    const path = (index: number): string => `c.json:1 models.families[${index}].parameters`;
    expect(await refusalOfFile(JSON.stringify({ models: { families } }))).toEqual([
      `${path(0)}.temperature: got an object; expected a rule whose min is not above its max`,
      ...[1, 2, 3].map(
        (index) => `${path(index)}.max_tokens: got an object; expected a rule whose max is a whole number above 0`,
      ),
    ]);
  });

  it("are refused with a suggestion for what is misspelt", async () => {
    const models = [{ provider: "openai", model: "m", retiredOn: "2027-01-01" }];
    const family = (parameters: object): object => ({ provider: "openai", match: ["m"], parameters });
    const families = [
      family({ temprature: { max: 1 } }),
      family({ top_p: { maxi: 1 } }),
      family({ user: { max: "1" } }),
    ];
    expect(await refusalOfFile(JSON.stringify({ models: { families, models } }))).toEqual([
      'c.json:1 models.families[0].parameters.temprature: got an unknown field; expected one of max_tokens, temperature, top_p, frequency_penalty, presence_penalty, logit_bias, user; did you mean "temperature"?',
      'c.json:1 models.families[1].parameters.top_p.maxi: got an unknown field; expected one of drop, as, min, max; did you mean "max"?',
      'c.json:1 models.families[2].parameters.user.max: got "1"; expected a number',
      expect.stringMatching(
        /^c\.json:1 models\.models\[0\]\.retiredOn: got an unknown field; expected one of .*; did you mean "retiresOn"\?$/,
      ),
    ]);
  });

  it("are refused with names that no model has, and with texts that a terminal could not show", async () => {
    const models = [
      { provider: "openai", model: "m 1" },
      { provider: "openai", model: "m*", replacement: "-" },
      { provider: "openai", model: "m", title: "a\u001b[2J", bestFor: "two\nlines", note: "\u202etxet" },
    ];
    const families = [{ provider: "openai", match: ["m*", "m 1"] }];
    const name = "the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit";
    const visible = "text without line breaks and other control characters";
    expect(
      (await refusalOfFile(JSON.stringify({ models: { families, models } }))).map((fault) =>
        fault.replace(/^c\.json:1 models\.|got .*; /g, ""),
      ),
    ).toEqual([
      "families[0].match[1]: expected the name of a model, in which * stands for any characters: letters, digits and . _ : / @ - *",
      ...["models[0].model", "models[1].model", "models[1].replacement"].map((path) => `${path}: expected ${name}`),
      ...["title", "bestFor", "note"].map((field) => `models[2].${field}: expected ${visible}`),
    ]);
  });

  it("are refused with a rule that drops a parameter and changes it", async () => {
    const families = [{ provider: "openai", match: ["m"], parameters: { user: { drop: "no", as: "u" } } }];
    expect(await refusalOfFile(JSON.stringify({ models: { families } }))).toEqual([
      'c.json:1 models.families[0].parameters.user: got an object; expected a rule: {"as": name}, {"min": n, "max": n} or {"drop": why}',
    ]);
  });

  it("are refused for a provider that nobody knows", async () => {
    const json = '{ "models": {\n"models": [{ "provider": "opneai", "model": "m" }] } }';
    expect(await refusalOfFile(json)).toEqual([
      expect.stringMatching(
        /^c\.json:2 models\.models\[0\]\.provider: got "opneai"; expected one of .*; did you mean "openai"\?$/,
      ),
    ]);
  });
});

describe("a default model that is retired", () => {
  const env = { OPENAI_MODEL: "gpt-4" };

  it("is refused once, for its variable, where the policy says so", async () => {
    expect(await refusalOfFile('{"retiredModels": "refuse"}', env)).toEqual([
      'environment OPENAI_MODEL: got "gpt-4" (retired 2026-10-23); expected a model that is served, such as "gpt-6.1-sol"',
    ]);
  });

  it.each(["warn", "substitute"])("is taken otherwise: %s", async (retiredModels) => {
    const config = await loadFile({ retiredModels }, env);
    expect(config.providers.defaultModels["openai"]).toBe("gpt-4");
    const options = compileOptions(config, NOW);
    const { agent, retired } = parseAgentObject("agent", { id: "ada", name: "Ada" }, options);
    expect(agent.chain[0].model).toBe(retiredModels === "warn" ? "gpt-4" : "gpt-6.1-sol");
    expect(retired).toMatchObject([{ model: "gpt-4", member: 0 }]);
  });

  it("is no matter before its day", async () => {
    const file = { models: { models: [{ provider: "openai", model: "gpt-4", retiresOn: "2026-11-27" }] } };
    const config = await loadFile({ ...file, retiredModels: "refuse" }, env);
    expect(config.providers.defaultModels["openai"]).toBe("gpt-4");
  });
});
