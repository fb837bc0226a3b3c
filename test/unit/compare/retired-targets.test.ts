import { describe, expect, it } from "vitest";
import { checkRetired } from "../../../src/compare/retired-targets.ts";
import type { Target } from "../../../src/compare/targets.ts";
import type { RetiredModels } from "../../../src/models/retirement.ts";
import { DEFAULTS } from "../../support/documents.ts";

const { catalogue } = DEFAULTS.providers;
const now = Date.UTC(2026, 10, 26);
const OVER: Target = { provider: "openai", model: "gpt-4" };
const SOON: Target = { provider: "openai", model: "gpt-5" };
const SERVED: Target = { provider: "openai", model: "gpt-6-luna" };

function check(retiredModels: RetiredModels, ...targets: Target[]): readonly string[] {
  return checkRetired(targets, { catalogue, retiredModels, now });
}

describe("a model that is retired, or soon", () => {
  it("is noted with its day and what to use", () => {
    expect(check("warn", SERVED, OVER, SOON)).toEqual([
      "openai/gpt-4 is retired since 2026-10-23; use openai/gpt-6.1-sol",
      "openai/gpt-5 retires on 2026-12-11; use openai/gpt-6.1-sol",
    ]);
  });

  it("is called all the same where agents would get another one, and the note says so", () => {
    expect(check("substitute", OVER, SOON)).toEqual([
      "openai/gpt-4 is retired since 2026-10-23; use openai/gpt-6.1-sol (it is called all the same: a comparison substitutes nothing)",
      "openai/gpt-5 retires on 2026-12-11; use openai/gpt-6.1-sol",
    ]);
  });

  it("is refused where agents with it are, once its days are over", () => {
    expect(check("refuse", SERVED, SOON)).toHaveLength(1);
    expect(() => check("refuse", SERVED, OVER)).toThrow(
      '--models: got "openai/gpt-4" (retired 2026-10-23); expected a model that is served, such as "openai/gpt-6.1-sol"',
    );
  });
});
