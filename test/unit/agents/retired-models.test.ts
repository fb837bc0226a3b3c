import { describe, expect, it } from "vitest";
import type { CompileOptions } from "../../../src/agents/compile-agent.ts";
import { defaultAgent } from "../../../src/agents/default-agent.ts";
import { parseAgent, type ParsedAgent } from "../../../src/agents/parse-agent.ts";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import type { RetiredModels } from "../../../src/models/retirement.ts";
import { messageOf, OPTIONS } from "./compile-options.ts";

/** 2026-11-26; `soon` is 15 days later, `later` more than 90. */
const NOW = Date.UTC(2026, 10, 26);

const model = (name: string, retiresOn?: string, replacement?: string) => ({
  model: name,
  ...(retiresOn !== undefined && { retiresOn }),
  ...(replacement !== undefined && { replacement }),
});
const openai = {
  families: [],
  prices: [],
  models: [
    model("new"),
    model("old", "2026-10-23", "new"),
    model("older", "2026-01-01", "old"),
    model("soon", "2026-12-11", "older"),
    model("later", "2027-06-01", "new"),
    model("today", "2026-11-26", "new"),
    model("orphan", "2026-10-23"),
    model("dead-end", "2026-10-23", "orphan"),
    model("ring-1", "2026-10-23", "ring-2"),
    model("ring-2", "2026-10-23", "ring-1"),
  ],
};
const grok = { families: [], prices: [], models: [model("old", "2026-10-23", "grok-new")] };
const catalogue = createCatalogue([
  { id: "openai", models: openai, isFree: false },
  { id: "grok", models: grok, isFree: false },
]);

const optionsFor = (retiredModels: RetiredModels): CompileOptions => ({
  ...OPTIONS,
  ...{ catalogue, retiredModels, now: NOW, defaultModel: (provider) => (provider === "openai" ? "new" : "grok-new") },
});

/** `llm_config` starts in line 2. */
function parse(policy: RetiredModels, config: object | string): ParsedAgent {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  return parseAgent("ada.json", `{ "id": "ada", "name": "Ada",\n"llm_config": ${text}\n}`, optionsFor(policy));
}

const notesOf = ({ notes, retired }: ParsedAgent): string[] => [...notes, ...retired.map(({ note }) => note)];
const chainOf = ({ agent }: ParsedAgent): string[] => agent.chain.map((member) => `${member.provider}/${member.model}`);

describe("warn", () => {
  it.each([
    ["old", "openai/old, which is retired since 2026-10-23; use new"],
    ["today", "openai/today, which is retired since 2026-11-26; use new"],
    ["older", "openai/older, which is retired since 2026-01-01; use new"],
    ["soon", "openai/soon, which retires on 2026-12-11; use new"],
    ["orphan", "openai/orphan, which is retired since 2026-10-23; no replacement is known"],
    ["old-2026-01-31", "openai/old-2026-01-31, which is retired since 2026-10-23; use new"],
    ["ft:old:org::id", "openai/ft:old:org::id, which is retired since 2026-10-23; use new"],
  ])("names the agent, %s, its end and what replaces it, and calls it all the same", (name, told) => {
    const parsed = parse("warn", { model: name });
    expect(notesOf(parsed)).toEqual([`ada.json:2 llm_config.model: ada calls ${told}`]);
    expect(chainOf(parsed)).toEqual([`openai/${name}`]);
  });

  it.each(["new", "later", "of-which-nobody-knows"])("says nothing of %s", (name) => {
    expect(notesOf(parse("warn", { model: name }))).toEqual([]);
  });

  it("looks at every fall-back, in its own line, and at its provider's own models", () => {
    const config = `{\n"model": "new", "fallback_provider": "grok", "fallback_config": {\n"model": "old"}}`;
    expect(notesOf(parse("warn", config))).toEqual([
      "ada.json:4 llm_config.fallback_config.model: ada calls grok/old, which is retired since 2026-10-23; use grok-new",
    ]);
  });

  it("looks at default models, which stand in no line", () => {
    const options = { ...optionsFor("warn"), defaultModel: () => "old" };
    const { retired } = parseAgent("ada.json", '{ "id": "ada", "name": "Ada" }', options);
    expect(retired.map(({ note }) => note)).toEqual([
      "ada.json: ada calls openai/old, which is retired since 2026-10-23; use new",
    ]);
    expect(defaultAgent(options).uses).toMatchObject([{ agentId: "default", model: "old", calledInstead: null }]);
  });
});

describe("substitute", () => {
  it.each(["old", "older", "today"])("calls what replaces %s, and what replaces that in turn", (name) => {
    const parsed = parse("substitute", { model: name, temperature: 1.1, max_tokens: 99, timeout: 7, user: "u" });
    expect(chainOf(parsed)).toEqual(["openai/new"]);
    expect(parsed.agent.chain[0]).toMatchObject({
      parameters: { temperature: 1.1, maxTokens: 99, user: "u" },
      timeoutMs: 7000,
    });
    expect(notesOf(parsed)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^ada\\.json:2 llm_config\\.model: ada calls new in place of openai/${name}, which is retired since `,
        ),
      ),
    ]);
  });

  it("waits for the day itself", () => {
    const parsed = parse("substitute", { model: "soon" });
    expect(chainOf(parsed)).toEqual(["openai/soon"]);
    expect(notesOf(parsed)[0]).toContain("which retires on 2026-12-11; use new");
  });

  it.each(["orphan", "dead-end", "ring-1", "ring-2"])(
    "warns only where nothing that is served is known: %s",
    (name) => {
      const parsed = parse("substitute", { model: name });
      expect(chainOf(parsed)).toEqual([`openai/${name}`]);
      expect(notesOf(parsed)[0]).toMatch(/which is retired since 2026-10-23; no replacement is known$/);
    },
  );

  it("replaces default models", () => {
    const options = { ...optionsFor("substitute"), defaultModel: () => "old" };
    expect(defaultAgent(options).agent.chain.map((member) => member.model)).toEqual(["new"]);
  });

  it("calls no model twice: a fall-back that would be is left out, and the rest stays", () => {
    const grokLast = { fallback_provider: "grok", fallback_config: { model: "grok-new" } };
    const second = { fallback_provider: "openai", fallback_config: { model: "new", ...grokLast } };
    const replacedFirst = parse("substitute", { model: "old", ...second });
    expect(chainOf(replacedFirst)).toEqual(["openai/new", "grok/grok-new"]);
    expect(notesOf(replacedFirst)).toContain(
      "ada.json: ada names openai/new once more after substitution: that fall-back is left out",
    );
    const old = { fallback_provider: "openai", fallback_config: { model: "older" } };
    expect(chainOf(parse("substitute", { model: "new", ...old }))).toEqual(["openai/new"]);
  });
});

describe("refuse", () => {
  const refusal = (config: object | string): string => messageOf(() => parse("refuse", config));

  it("refuses an agent with its line, the date, and a model that is served", () => {
    expect(refusal({ model: "older" })).toBe(
      'ada.json:2 llm_config.model: got "older" (retired 2026-01-01); expected a model that is served, such as "new"',
    );
    expect(refusal({ model: "orphan" })).toMatch(/\(retired 2026-10-23\); expected a model that is served$/);
  });

  it("finds it in a fall-back, together with every other fault", () => {
    const config = `{\n"temprature": 1, "fallback_provider": "grok", "fallback_config": {\n"model": "old"}}`;
    expect(refusal(config).split("\n")).toEqual([
      expect.stringMatching(/^ada\.json:3 llm_config\.temprature: /),
      'ada.json:4 llm_config.fallback_config.model: got "old" (retired 2026-10-23); expected a model that is served, such as "grok-new"',
    ]);
  });

  it("says where a default model comes from", () => {
    const options = { ...optionsFor("refuse"), defaultModel: () => "old" };
    expect(messageOf(() => parseAgent("ada.json", '{ "id": "ada", "name": "Ada" }', options))).toBe(
      'ada.json:1 llm_config.model: got "old", the default of openai (retired 2026-10-23); expected a model that is served, such as "new"',
    );
  });

  it("lets a model be used until its day", () => {
    expect(notesOf(parse("refuse", { model: "soon" }))[0]).toContain("which retires on 2026-12-11; use new");
  });
});
