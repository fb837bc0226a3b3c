import { describe, expect, it } from "vitest";
import { createCatalogue, type ModelCatalogue } from "../../../src/models/model-catalogue.ts";
import { baseModel, matchesGlob, namesOf } from "../../../src/models/model-names.ts";
import { modelOverridesSchema } from "../../../src/models/models-file.ts";
import { remembered } from "../../../src/models/remembered.ts";

const reasoning = (headroomTokens: number) => ({ least: "low", headroomTokens });

const VENDOR = {
  parameters: { user: { drop: "no such thing" }, temperature: { max: 1 } },
  judgedOn: "2026-11-01",
  families: [
    { match: ["m-1-chat*"], reasoning: null },
    { match: ["m-1", "m-1-*"], parameters: { temperature: { drop: "it reasons" } }, reasoning: reasoning(1000) },
    { match: ["*"], parameters: { max_tokens: { as: "cap" } } },
  ],
  models: [
    { model: "m-1", contextTokens: 1000, outputTokens: 500, source: "https://a.example", readOn: "2026-11-02" },
    { model: "m-1-2026-01-31", contextTokens: 2000 },
    { model: "m-2", retiresOn: "2027-01-01", replacement: "m-1", speed: "Fast", source: "https://b.example" },
  ],
  prices: [],
};

function catalogueWith(overrides: object = {}): ModelCatalogue {
  const vendor = { id: "vendor", models: VENDOR, isFree: false };
  const local = { id: "local", models: { families: [], models: [], prices: [] }, isFree: true };
  return createCatalogue([vendor, local], modelOverridesSchema.parse(overrides));
}

describe("names", () => {
  it.each([
    ["gpt-6*", "gpt-6", true],
    ["gpt-6*", "gpt-6.1-sol", true],
    ["gpt-5.*", "gpt-5x1", false],
    ["gpt-5.*-chat*", "gpt-5.1-chat-latest", true],
    ["*non-reasoning*", "grok-4-fast-non-reasoning", true],
    ["gpt-6", "gpt-6-luna", false],
    ["a", "ba", false],
    ["*", "any/thing:at@all", true],
    ["a+(b)", "a+(b)", true],
  ])("the glob %s against %s: %s", (glob, name, expected) => {
    expect(matchesGlob(glob, name)).toBe(expected);
  });

  it("are looked up as they are, without their date, and as the base of what is fine-tuned", () => {
    expect(namesOf("ft:m-1-2026-01-31:org::id")).toEqual(["ft:m-1-2026-01-31:org::id", "m-1-2026-01-31", "m-1"]);
    expect(namesOf("claude-haiku-4-5-20251001")).toEqual(["claude-haiku-4-5-20251001", "claude-haiku-4-5"]);
    expect(namesOf("gpt-4-0613")).toEqual(["gpt-4-0613", "gpt-4"]);
    expect(namesOf("grok-3-latest")).toEqual(["grok-3-latest", "grok-3"]);
    for (const name of ["m-1", "gemini-2.0", "gpt-4-1106-preview", "m-2025", "m-1340", "m-0100", "m-001", "latest"])
      expect(namesOf(name)).toEqual([name]);
    expect(baseModel("left:alone")).toBe("left:alone");
    expect(namesOf("models/m-1-2026-01-31")).toEqual([
      ...["models/m-1-2026-01-31", "models/m-1", "m-1-2026-01-31", "m-1"],
    ]);
  });
});

describe("a model's family", () => {
  const { family } = catalogueWith();

  it("is the first that matches, whatever comes later", () => {
    expect(family("vendor", "m-1-chat-latest").reasoning).toBeNull();
    expect(family("vendor", "m-1-large").reasoning).toMatchObject({ headroomTokens: 1000 });
    expect(family("vendor", "m-3").parameters.max_tokens).toEqual({ as: "cap" });
  });

  it("is that of its base when it is fine-tuned, and of its model when it is dated", () => {
    expect(family("vendor", "ft:m-1-2026-01-31:org::id").reasoning).toMatchObject({ headroomTokens: 1000 });
    expect(family("vendor", "m-1-2026-01-31").reasoning).toMatchObject({ headroomTokens: 1000 });
  });

  it("has the provider's common rules where it does not say otherwise", () => {
    expect(family("vendor", "m-3").parameters).toMatchObject({
      user: { drop: "no such thing" },
      temperature: { max: 1 },
    });
    expect(family("vendor", "m-1").parameters).toMatchObject({
      user: { drop: "no such thing" },
      temperature: { drop: "it reasons" },
    });
  });

  it("takes everything where nothing is known", () => {
    expect(family("local", "llama")).toEqual({ match: ["*"], parameters: {}, reasoning: null });
    expect(family("nobody", "__proto__")).toEqual({ match: ["*"], parameters: {}, reasoning: null });
  });

  it("is found again when so many others were asked for that it was forgotten", () => {
    for (let index = 0; index < 1100; index += 1) family("vendor", `x-${index}`);
    expect(family("vendor", "m-1").reasoning).toMatchObject({ headroomTokens: 1000 });
  });
});

describe("what is known of a model", () => {
  const { entry } = catalogueWith();

  it("is found under the most exact name", () => {
    expect(entry("vendor", "m-1-2026-01-31")?.contextTokens).toBe(2000);
    expect(entry("vendor", "m-1-2026-02-28")?.contextTokens).toBe(1000);
    expect(entry("vendor", "ft:m-1:org::id")?.contextTokens).toBe(1000);
    expect(entry("vendor", "models/m-2")?.speed).toBe("Fast");
  });

  it("is nothing for a stranger, and for another provider's model", () => {
    expect(entry("vendor", "m-9")).toBeNull();
    expect(entry("local", "m-1")).toBeNull();
  });
});

describe("the cap of a call", () => {
  const capTokens = (model: string, maxTokens: number, factor = 1): number =>
    catalogueWith().capTokens({ provider: "vendor", model, maxTokens, factor });

  it("is max_tokens where nothing reasons", () => {
    expect(capTokens("m-3", 280)).toBe(280);
  });

  it("has room for reasoning on top, all of it times the factor, in whole tokens", () => {
    expect(capTokens("m-1-large", 280)).toBe(1280);
    expect(capTokens("m-1-large", 280, 4)).toBe(5120);
    expect(capTokens("m-3", 3, 1.5)).toBe(5);
  });

  it("has more room where the least reasoning was refused, which is then not asked for", () => {
    const cap = (model: string, omit: string[], factor = 1): number =>
      catalogueWith().capTokens({ provider: "vendor", model, maxTokens: 280, factor, omit });
    expect(cap("m-1-large", ["reasoning_effort"])).toBe(280 + 4096);
    expect(cap("m-1-large", ["reasoning_effort.none"], 4)).toBe(4 * (280 + 4096));
    expect(cap("m-1-large", ["temperature"])).toBe(1280);
    expect(cap("m-3", ["reasoning_effort"])).toBe(280);
  });

  it("is never above what the model writes", () => {
    expect(capTokens("m-1", 280)).toBe(500);
    expect(capTokens("m-1", 280, 4)).toBe(500);
    expect(capTokens("ft:m-1:org::id", 9999)).toBe(500);
  });
});

describe("the operator's own facts", () => {
  it("win over the shipped ones field by field, and those that nobody touched stay", () => {
    const { entry } = catalogueWith({ models: [{ provider: "vendor", model: "m-2", retiresOn: "2028-01-01" }] });
    expect(entry("vendor", "m-2")).toMatchObject({ retiresOn: "2028-01-01", replacement: "m-1", speed: "Fast" });
  });

  it("are theirs: the shipped source and date do not vouch for them", () => {
    const { entry } = catalogueWith({ models: [{ provider: "vendor", model: "m-1", contextTokens: 7 }] });
    expect(entry("vendor", "m-1")).toMatchObject({ contextTokens: 7, source: "the configuration file" });
    expect(entry("vendor", "m-1")?.readOn).toBeUndefined();
    const own = { provider: "vendor", model: "m-1", source: "our contract", readOn: "2026-11-20" };
    expect(catalogueWith({ models: [own] }).entry("vendor", "m-1")).toMatchObject({
      ...{ source: "our contract", readOn: "2026-11-20", contextTokens: 1000 },
    });
  });

  it("may be of models and providers that nothing was known of", () => {
    const { entry, models } = catalogueWith({ models: [{ provider: "local", model: "llama", outputTokens: 99 }] });
    expect(entry("local", "llama")?.outputTokens).toBe(99);
    expect(models.map(({ model }) => model)).toEqual(["m-1", "m-1-2026-01-31", "m-2", "llama"]);
  });

  it("put a family before all shipped ones, on top of the provider's common rules", () => {
    const own = { provider: "vendor", match: ["m-1*"], parameters: { top_p: { drop: "we say so" } } };
    const { family } = catalogueWith({ families: [own] });
    expect(family("vendor", "m-1").parameters).toEqual({ ...VENDOR.parameters, top_p: { drop: "we say so" } });
    expect(family("vendor", "m-1").reasoning).toBeNull();
    expect(family("vendor", "m-3").parameters).toHaveProperty("max_tokens");
  });
});

describe("what is remembered of models", () => {
  it("is found once, nothing included, and forgotten before it grows without end", () => {
    const asked: string[] = [];
    const find = remembered((provider, model) => (asked.push(`${provider}/${model}`), null));
    expect([find("a", "m"), find("a", "m"), find("b", "m")]).toEqual([null, null, null]);
    expect(asked).toEqual(["a/m", "b/m"]);
    for (let index = 0; index < 1000; index += 1) find("a", `x-${index}`);
    find("a", "m");
    expect(asked.filter((id) => id === "a/m")).toHaveLength(2);
  });
});
