import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createCatalogue, type CataloguedModel } from "../../../src/models/model-catalogue.ts";
import { modelsFileSchema } from "../../../src/models/models-file.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";

/** Every models.json, also of a folder that is no provider yet, is right in itself. */

const ROOT = join(import.meta.dirname, "../../..");
const FILES = globSync("src/providers/*/models.json", { cwd: ROOT }).sort();
const shipped = FILES.map((path) => ({
  provider: basename(dirname(path)),
  text: JSON.parse(readFileSync(join(ROOT, path), "utf8")) as unknown,
}));

it("there are some, and those of all providers are among them", () => {
  expect(shipped.map(({ provider }) => provider)).toEqual(expect.arrayContaining(["fake", "grok", "openai"]));
});

describe.each(shipped)("the catalogue of $provider", ({ provider, text }) => {
  const file = modelsFileSchema.parse(text);
  const entries = [...file.families, ...file.models, ...file.prices];
  const byName = new Map(file.models.map((entry) => [entry.model, entry]));

  it("says of every fact where and when it was read", () => {
    const anonymous = entries.filter(({ source, readOn }) => source === undefined || readOn === undefined);
    expect(anonymous).toEqual([]);
    const isSource = (source = ""): boolean => /^https:\/\/\S+$/.test(source) || provider === "fake";
    expect(entries.filter(({ source }) => !isSource(source))).toEqual([]);
  });

  it("was read, and judged, on a day that has been", () => {
    const days = [file.judgedOn, ...entries.map(({ readOn }) => readOn)];
    expect(days.filter((day) => day === undefined || Date.parse(day) > Date.now())).toEqual([]);
  });

  it("names no model twice, and no price", () => {
    expect(byName.size).toBe(file.models.length);
    expect(new Set(file.prices.map(({ model }) => model)).size).toBe(file.prices.length);
  });

  it("says of every model what it is for, and of one that ends what follows it", () => {
    const judged = ({ speed, quality, cost, bestFor }: (typeof file.models)[number]): boolean =>
      ![speed, quality, cost, bestFor].includes(undefined);
    expect(file.models.filter((entry) => !judged(entry))).toEqual([]);
    expect(
      file.models.filter((entry) => (entry.retiresOn === undefined) !== (entry.replacement === undefined)),
    ).toEqual([]);
  });

  it("replaces a model by one that it knows and that is served longer, or is replaced in turn", () => {
    const wrong = file.models.filter(({ model, retiresOn, replacement }) => {
      if (retiresOn === undefined || replacement === undefined) return false;
      const next = byName.get(replacement);
      const isServedLonger = next?.retiresOn === undefined || next.retiresOn > retiresOn;
      return next === undefined || (!isServedLonger && lastOf(model, byName) === null);
    });
    expect(wrong).toEqual([]);
    const deadEnds = file.models.filter(({ model }) => lastOf(model, byName) === null);
    expect(deadEnds.map(({ model }) => model)).toEqual([]);
  });

  it("has a family for every name", () => {
    expect(file.families.at(-1)?.match).toEqual(["*"]);
  });

  it("has limits that make sense", () => {
    const wrong = file.models.filter(
      ({ contextTokens = Infinity, outputTokens = 1 }) => outputTokens > contextTokens || outputTokens < 256,
    );
    expect(wrong.filter(({ outputTokens }) => outputTokens !== undefined)).toEqual([]);
  });
});

/** The end of the line of replacements; `null`: it is a ring, or leads to nobody. */
function lastOf(
  model: string,
  byName: ReadonlyMap<string, Pick<CataloguedModel, "retiresOn" | "replacement">>,
): string | null {
  const seen = new Set<string>();
  for (let name: string | undefined = model; name !== undefined; name = byName.get(name)?.replacement) {
    const entry = byName.get(name);
    if (entry === undefined || seen.has(name)) return null;
    if (entry.retiresOn === undefined) return name;
    seen.add(name);
  }
  return null;
}

describe("default models", () => {
  it("are served, for more than the next 90 days when they were last read", () => {
    const { entry } = createCatalogue(PROVIDERS);
    const ending = PROVIDERS.filter(({ id, defaultModel }) => entry(id, defaultModel)?.retiresOn !== undefined);
    expect(ending.map(({ id, defaultModel }) => `${id}/${defaultModel}`)).toEqual([]);
  });
});

/** The "Performance Comparison" of the source's document, in its words. */
const COMPARISON = [
  ["openai", "GPT-4", "Medium", "Excellent", "High", "Complex reasoning"],
  ["openai", "GPT-4 Turbo", "Fast", "Very Good", "Medium", "General use"],
  ["openai", "GPT-3.5 Turbo", "Very Fast", "Good", "Low", "High volume"],
  ["grok", "grok-1", "Fast", "Good", "Medium", "Alternative perspective"],
  ["fake", "Fake", "Instant", "Basic", "Free", "Testing"],
];

it.each(COMPARISON)("%s's %s is described as in the source's comparison", (provider, title, ...words) => {
  const { models } = createCatalogue(PROVIDERS);
  const entry = models.find((model) => model.provider === provider && model.title === title);
  expect([entry?.speed, entry?.quality, entry?.cost, entry?.bestFor]).toEqual(words);
});
