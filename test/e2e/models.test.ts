import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import type { ModelRow } from "../../src/cli/model-rows.ts";

/** Nothing listens there: the command must not need a Redis. */
const NOWHERE = { REDIS_URL: "redis://127.0.0.1:1" };

async function rowsOf(session: CliSession, ...args: string[]): Promise<ModelRow[]> {
  const { code, stdout } = await session.run("models", "--json", ...args);
  expect(code).toBe(0);
  return JSON.parse(stdout) as ModelRow[];
}

describe("puppet-engine models", () => {
  it("shows every provider's models, readable in 100 columns, without Redis, keys and agents", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const { code, stdout, stderr } = await session.run("models");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const head of ["fake (Fake)", "grok (xAI Grok)", "local (Local models)", "openai (OpenAI)"])
      expect(stdout).toContain(`${head}\n`);
    expect(stdout).toMatch(/^model +speed +quality +cost +best for +window +in\/out/m);
    expect(stdout).toMatch(/^gpt-6-luna \* +Very Fast +Good +Low +High volume +1\.05M +0\.1\/0\.5$/m);
    expect(stdout).toMatch(/^fake-1 \* +Instant +Basic +Free +Testing +\? +free$/m);
    expect(stdout).toMatch(/^llama3\.2 \* +\? +\? +\? +\? +\? +free$/m);
    const everything = await session.run("models", "--all");
    expect(`${stdout}${everything.stdout}`.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  it("says what its marks mean, how old the facts are and how to change them", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const { stdout } = await session.run("models");
    expect(stdout).toMatch(/^\* the default of its provider/m);
    expect(stdout).toMatch(/^Read from public sources (on|from) \d{4}-\d{2}-\d{2}/m);
    expect(stdout).toMatch(/^Speed, quality, cost and use are our judgement on \d{4}-\d{2}-\d{2}\.$/m);
    expect(stdout).toMatch(/^\d+ retired models are not shown: add --all\.$/m);
    expect(stdout).toContain('"models" and "prices" in the configuration file win');
  });

  it("leaves out retired models, except those that are used, and shows all of them with --all", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const served = await rowsOf(session);
    expect(served.filter(({ status }) => status === "retired")).toEqual([]);
    const all = await rowsOf(session, "--all");
    const retired = all.filter(({ status }) => status === "retired").map(({ model }) => model);
    expect(retired).toEqual(expect.arrayContaining(["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "grok-1"]));
    expect((await session.run("models", "--all")).stdout).toMatch(
      /^gpt-4 +Medium +Excellent +High +Complex reasoning +8k +30\/60 +2026-10-23$/m,
    );

    await session.write("agents/old.json", { id: "old", name: "Old", llm_config: { model: "gpt-4" } });
    expect((await session.run("models")).stdout).toMatch(/^gpt-4 \+ /m);
  });

  it("marks what the agents use, known or not", async () => {
    await using session = await openCliSession({ env: { ...NOWHERE, OPENAI_MODEL: "gpt-6-sol" } });
    const fallback = { fallback_provider: "grok", fallback_config: { model: "grok-of-mine" } };
    await session.write("agents/ada.json", { id: "ada", name: "Ada", llm_config: fallback });
    const rows = await rowsOf(session);
    expect(rows.filter(({ usedBy }) => usedBy.length > 0)).toMatchObject([
      { provider: "grok", model: "grok-of-mine", usedBy: ["ada"], speed: null, price: null, isDefault: false },
      { provider: "openai", model: "gpt-6-sol", usedBy: ["ada"], isDefault: true },
    ]);
    expect((await session.run("models")).stdout).toMatch(/^gpt-6-sol \*\+ /m);
  });

  it("tells everything as JSON, with its source and the day on which it was read", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const rows = await rowsOf(session, "--provider", "grok");
    expect(new Set(rows.map(({ provider }) => provider))).toEqual(new Set(["grok"]));
    expect(
      rows.filter(({ source, readOn, judgedOn }) => source === null || readOn === null || judgedOn === null),
    ).toEqual([]);
    expect(rows.find(({ model }) => model === "grok-4.7")).toMatchObject({
      ...{ title: "Grok 4.7", status: "served", contextTokens: 500_000, retiresOn: null, replacement: null },
      price: { inputMtok: 2, outputMtok: 6, tiers: [{ fromInputTokens: 200_000, inputMtok: 4, outputMtok: 12 }] },
      parameters: {
        max_tokens: "sent as max_completion_tokens",
        logit_bias: "dropped: the xAI reference calls it unsupported",
      },
      reasoning: { least: "low", headroomTokens: 2048 },
    });
  });

  it("says of every price where it is from: a page and the day, or a library and its version", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const prices = (await rowsOf(session, "--all")).flatMap(({ model, price }) =>
      typeof price === "object" && price !== null ? [{ model, ...price }] : [],
    );
    const { dependencies } = packageJson as { dependencies: Readonly<Record<string, string>> };
    const library = `@pydantic/genai-prices ${dependencies["@pydantic/genai-prices"]}`;
    expect(prices.filter(({ source, readOn }) => source !== library && readOn === undefined)).toEqual([]);
    expect(prices.find(({ model }) => model === "gpt-4o")).toMatchObject({ source: library });
  });

  it("takes the operator's own facts and prices, and says that they are theirs", async () => {
    await using session = await openCliSession({ env: { ...NOWHERE, PUPPET_ENGINE_CONFIG: "c.json" } });
    const own = { provider: "openai", model: "our-own", speed: "Slow", bestFor: "Haiku", contextTokens: 9000 };
    await session.write("c.json", {
      models: { models: [own, { provider: "openai", model: "gpt-6-luna", retiresOn: "2020-01-01" }] },
      prices: [{ provider: "openai", model: "our-own", inputMtok: 0.5, outputMtok: 1 }],
    });
    const rows = await rowsOf(session, "--provider", "openai");
    expect(rows.find(({ model }) => model === "our-own")).toMatchObject({
      ...own,
      ...{ price: { inputMtok: 0.5, outputMtok: 1 }, source: "the configuration file", readOn: null, judgedOn: null },
    });
    expect(rows.find(({ model }) => model === "gpt-6-luna")).toMatchObject({ status: "retired", isDefault: true });
  });

  it("works while agents are wrong, and says so", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    await session.write("agents/bad.json", { id: "bad" });
    const { code, stdout, stderr } = await session.run("models");
    expect(code).toBe(0);
    expect(stdout).toContain("gpt-6-luna");
    expect(stderr).toBe(
      "note: the agents cannot be read, so no model is marked as theirs; see `puppet-engine check`\n",
    );
  });

  it("does not know a provider: names those that there are", async () => {
    await using session = await openCliSession({ env: NOWHERE });
    const { code, stdout, stderr } = await session.run("models", "--provider", "opneai");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: --provider: got "opneai"; expected one of .*; did you mean "openai"\?$/m);
  });
});

it("notes of retired models are shown once where agents are read, with what replaces them", async () => {
  await using session = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "c.json" } });
  const retired = { provider: "fake", model: "fake-0", retiresOn: "2020-01-01", replacement: "fake-1" };
  const old = { id: "old", name: "Old", llm_provider: "fake", llm_config: { model: "fake-0" } };
  await session.write("agents/old.json", old);
  await session.write("in.jsonl", '{"agent": "old", "topic": "a"}\n{"agent": "old", "topic": "b"}\n');
  for (const [retiredModels, note, model] of [
    ["warn", "old calls fake/fake-0, which is retired since 2020-01-01; use fake-1", "fake-0"],
    ["substitute", "old calls fake-1 in place of fake/fake-0, which is retired since 2020-01-01", "fake-1"],
  ]) {
    await session.write("c.json", { models: { models: [retired] }, retiredModels });
    const { code, stderr } = await session.run("bulk", "in.jsonl", "--out", `${retiredModels}.jsonl`, "--worker");
    expect(code).toBe(0);
    const notes = stderr.split("\n").filter((line) => line.startsWith("note: "));
    expect(notes).toEqual([expect.stringMatching(new RegExp(`old\\.json:1 llm_config\\.model: ${note}$`))]);
    const lines = await session.readLines(`${retiredModels}.jsonl`);
    expect(lines.map((line) => line["model"])).toEqual([model, model]);
  }
  await session.write("c.json", { models: { models: [retired] }, retiredModels: "refuse" });
  const refused = await session.run("bulk", "in.jsonl", "--out", "refused.jsonl", "--worker");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /old\.json:1 llm_config\.model: got "fake-0" \(retired 2020-01-01\); expected a model that is served, such as "fake-1"/,
  );
}, 60_000);
