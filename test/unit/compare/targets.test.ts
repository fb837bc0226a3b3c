import { describe, expect, it } from "vitest";
import { parseTargets } from "../../../src/compare/targets.ts";

const knownProviders = ["openai", "grok", "fake"];

function parse(values: string[], replaced: string[] = []): ReturnType<typeof parseTargets> {
  return parseTargets(values, { knownProviders, replaced: new Set(replaced) });
}

describe("--models", () => {
  it("is repeatable, takes commas, and keeps the order", () => {
    expect(parse(["openai/gpt-6-luna, grok/grok-4.3", "fake/fake-1,"])).toEqual([
      { provider: "openai", model: "gpt-6-luna" },
      { provider: "grok", model: "grok-4.3" },
      { provider: "fake", model: "fake-1" },
    ]);
  });

  it("splits a name at its first slash: models have slashes and colons, too", () => {
    expect(parse(["openai/meta/llama-4:free", "openai/ft:gpt-6-luna:acme/x@1"])).toEqual([
      { provider: "openai", model: "meta/llama-4:free" },
      { provider: "openai", model: "ft:gpt-6-luna:acme/x@1" },
    ]);
  });

  it("puts the fake provider in the place of those without a key, each model under a name of its own", () => {
    expect(parse(["openai/m", "grok/m", "fake/m"], ["openai", "grok"])).toEqual([
      { provider: "fake", model: "openai/m" },
      { provider: "fake", model: "grok/m" },
      { provider: "fake", model: "m" },
    ]);
  });

  it.each([
    [
      ["gpt-6-luna"],
      /^--models: got "gpt-6-luna"; expected a provider and a model with \/ between, .*openai, grok, fake/,
    ],
    [["openai"], /^--models: got "openai"; expected a provider and a model .*did you mean "openai"\?$/],
    [
      ["opnai/gpt"],
      /^--models: got "opnai" in "opnai\/gpt"; expected one of openai, grok, fake; did you mean "openai"\?$/,
    ],
    [["openai/"], /^--models: got "openai\/"; expected behind the \/, the name of a model: 1–128 /],
    [["openai/a b"], /^--models: got "openai\/a b"; expected behind the \/, the name of a model/],
    [["fake/a", "fake/b,fake/a"], /^--models: got fake\/a twice; expected every model once$/],
    [[" , "], /^--models: got nothing; expected models to compare, such as openai\/gpt-6-luna,grok\/grok-4\.3$/],
  ])("%j is refused, with what was expected", (values, message) => {
    expect(() => parse(values)).toThrow(message);
  });

  it("names all that is wrong at once", () => {
    expect(() => parse(["gpt", "nobody/x", "fake/a,fake/a"])).toThrow(/"gpt"[^]*"nobody"[^]*fake\/a twice/);
  });

  it("a stand-in may not be another model's name", () => {
    expect(() => parse(["openai/m", "fake/openai/m"], ["openai"])).toThrow("fake/openai/m twice, once as a stand-in");
  });
});
