import { expect, it } from "vitest";
import type { Finding } from "../../../src/checks/finding.ts";
import { check, openCheckSession } from "./check-command.ts";

/** Dates that stay what they are, whenever this runs. */
const MODELS = [
  { provider: "openai", model: "past", retiresOn: "2020-01-01", replacement: "past-too" },
  { provider: "openai", model: "past-too", retiresOn: "2020-06-01", replacement: "gpt-6-luna" },
  { provider: "openai", model: "orphan", retiresOn: "2020-01-01" },
  { provider: "openai", model: "nearly", retiresOn: inDays(10), replacement: "gpt-6-luna" },
];
const PRICES = ["past", "orphan", "nearly"].map((model) => ({
  provider: "openai",
  model,
  inputMtok: 1,
  outputMtok: 1,
}));

function inDays(days: number): string {
  return new Date(Date.now() + days * 24 * 3600_000).toISOString().slice(0, 10);
}

async function findingsWith(
  config: object,
  models: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ models: Finding[]; areas: string[]; code: number | null }> {
  await using session = await openCheckSession({ PUPPET_ENGINE_CONFIG: "config.json", ...env });
  await session.write("config.json", { models: { models: MODELS }, prices: PRICES, ...config });
  for (const [id, model] of Object.entries(models))
    await session.write(`agents/${id}.json`, { id, name: id, llm_config: { model } });
  const { findings, code } = await check(session);
  const areas = [...new Set(findings.map(({ area }) => area))];
  return { models: findings.filter(({ area }) => area === "models"), areas, code };
}

const warning = (text: string, fix: string): Finding => ({ level: "warning", area: "models", text, fix });

it("is content with models that are served and priced, between the keys and Redis", async () => {
  const { models, areas } = await findingsWith({}, {});
  expect(models).toEqual([
    { level: "ok", area: "models", text: "1 in use: all are served, and their prices are known" },
  ]);
  expect(areas).toEqual(["configuration", "agents", "keys", "models", "Redis"]);
});

it("names retired models, their agents and what replaces them in the end, once for each model", async () => {
  const { models, code } = await findingsWith({}, { bo: "past", cy: "past", di: "orphan", ed: "nearly" });
  expect(code).toBe(0);
  expect(models).toEqual([
    warning("openai/past is retired since 2020-01-01", "choose gpt-6-luna for bo, cy"),
    warning("openai/orphan is retired since 2020-01-01", "choose another model for di"),
    warning(`openai/nearly retires on ${inDays(10)}`, "choose gpt-6-luna for ed"),
  ]);
});

it("says what is called instead", async () => {
  const { models } = await findingsWith({ retiredModels: "substitute" }, { bo: "past", ed: "nearly" });
  expect(models).toEqual([
    warning(
      'openai/past is retired since 2020-01-01; gpt-6-luna is called instead (retiredModels: "substitute")',
      "choose gpt-6-luna for bo",
    ),
    warning(`openai/nearly retires on ${inDays(10)}`, "choose gpt-6-luna for ed"),
  ]);
});

it("fails where they are refused", async () => {
  await using session = await openCheckSession({ PUPPET_ENGINE_CONFIG: "config.json" });
  await session.write("config.json", { models: { models: MODELS }, retiredModels: "refuse" });
  await session.write("agents/bo.json", '{ "id": "bo", "name": "Bo", "llm_config": {\n"model": "past" } }');
  const { code, of } = await check(session);
  expect(code).toBe(2);
  expect(of("error")).toEqual([
    {
      ...{ level: "error", area: "agents" },
      text: expect.stringMatching(
        /bo\.json:2 llm_config\.model: got "past" \(retired 2020-01-01\); expected a model that is served, such as "gpt-6-luna"$/,
      ) as string,
    },
  ]);
});

const unlisted = (model: string, users: string): Finding =>
  warning(
    `${model} is not in the catalogue: whether it is still served is not known (${users})`,
    "`puppet-engine check --live` asks the vendor; what you know goes under models in the configuration file",
  );

it("does not say that models are served of which nothing is known, whatever they cost", async () => {
  const { models } = await findingsWith({}, { bo: "gpt-4.5-preview", cy: "gpt-6-luna-2026-01-31" });
  expect(models).toEqual([unlisted("openai/gpt-4.5-preview", "bo")]);
});

it("knows snapshots that are named by month and day, and the retired models of old", async () => {
  const { models } = await findingsWith({}, { bo: "gpt-3.5-turbo-0125", cy: "gpt-4-0613", di: "o1-mini" });
  expect(models.map(({ text }) => text)).toEqual([
    "openai/gpt-3.5-turbo-0125 is retired since 2026-10-23",
    "openai/gpt-4-0613 is retired since 2026-10-23",
    "openai/o1-mini is retired since 2025-10-27",
  ]);
});

it("has no doubts about models of the operator's own servers", async () => {
  await using session = await openCheckSession({ PUPPET_ENGINE_CONFIG: "config.json" });
  const ours = { baseUrl: "http://127.0.0.1:9/v1", model: "m", local: true };
  const theirs = {
    baseUrl: "https://llm.example.com/v1",
    model: "m",
    prices: [{ model: "m", inputMtok: 1, outputMtok: 1 }],
  };
  await session.write("config.json", { endpoints: { ours, theirs } });
  for (const provider of ["local", "fake", "ours", "theirs"])
    await session.write(`agents/${provider}.json`, { id: provider, name: "N", llm_provider: provider });
  const { findings } = await check(session);
  expect(findings.filter(({ area }) => area === "models")).toEqual([
    { level: "ok", area: "models", text: "5 in use: all are served, and their prices are known" },
  ]);
});

it("looks at the model of jobs without an agent as well", async () => {
  const retired = await findingsWith({}, { bo: "past" }, { OPENAI_MODEL: "past" });
  expect(retired.models).toEqual([
    warning("openai/past is retired since 2020-01-01", "choose gpt-6-luna for bo, jobs without an agent: OPENAI_MODEL"),
  ]);
  const unknown = await findingsWith({}, {}, { OPENAI_MODEL: "gpt-99" });
  expect(unknown.models).toEqual([
    unlisted("openai/gpt-99", "jobs without an agent: OPENAI_MODEL"),
    warning(
      "price of openai/gpt-99 is not known: its calls are counted, but they are missing from cost and budgets (jobs without an agent: OPENAI_MODEL)",
      "add it under prices in the configuration file",
    ),
  ]);
});

it("names models without a price", async () => {
  const { models, code } = await findingsWith({}, { bo: "gpt-99", cy: "gpt-99" });
  expect(code).toBe(0);
  expect(models).toEqual([
    unlisted("openai/gpt-99", "bo, cy"),
    warning(
      "price of openai/gpt-99 is not known: its calls are counted, but they are missing from cost and budgets (bo, cy)",
      "add it under prices in the configuration file",
    ),
  ]);
});
