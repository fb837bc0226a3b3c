import { describe, expect, it } from "vitest";
import { budgetsOf, createLimitLookup, dayIn, type BudgetRules } from "../../../src/admission/limit-policy.ts";

const BASE = { dayEndsIn: "UTC", burstSeconds: 1, tokensCounted: "used" } as const;
const NOON = Date.UTC(2026, 10, 25, 12);
const HOUR_MS = 3600_000;

describe("limits of a provider and model", () => {
  const lookup = createLimitLookup({
    limits: [
      { ...BASE, provider: "openai", model: null, requestsPerMinute: 60 },
      { ...BASE, provider: "openai", model: "gpt-6-sol", tokensPerMinute: 1000, burstSeconds: 2, tokensCounted: "cap" },
    ],
    unlimited: new Set(["fake"]),
  });

  it("are those of the model, else those of the provider, else none", () => {
    const numbers = (provider: string, model: string) => lookup(provider, model).argumentsAt(NOON).slice(0, 7);
    expect(numbers("openai", "gpt-6-luna")).toEqual([60, 0, 0, 0, 0, 0, 1000]);
    expect(numbers("openai", "gpt-6-sol"), "an entry of its own replaces the other whole").toEqual([
      0, 1000, 0, 0, 0, 0, 2000,
    ]);
    expect(numbers("grok", "grok-4.3")).toEqual([0, 0, 0, 0, 0, 0, 1000]);
    expect(lookup("openai", "gpt-6-sol").tokensCounted).toBe("cap");
  });

  it("say which providers have none at all", () => {
    expect(lookup("fake", "fake-1").argumentsAt(NOON).at(-1)).toBe(0);
    expect(lookup("grok", "grok-4.3").argumentsAt(NOON).at(-1)).toBe(1);
  });

  it("name the day and how much is left of it, also after midnight", () => {
    const day = (now: number) => lookup("openai", "gpt-6-luna").argumentsAt(now).slice(7, 9);
    expect(day(NOON)).toEqual(["2026-11-25", 12 * HOUR_MS]);
    expect(day(NOON + 11 * HOUR_MS)).toEqual(["2026-11-25", HOUR_MS]);
    expect(day(NOON + 12 * HOUR_MS)).toEqual(["2026-11-26", 24 * HOUR_MS]);
  });
});

describe("a day", () => {
  it.each([
    ["UTC", NOON, "2026-11-25", Date.UTC(2026, 10, 26)],
    ["America/Los_Angeles", NOON, "2026-11-25", Date.UTC(2026, 10, 26, 8)],
    [
      "America/Los_Angeles, before its midnight",
      Date.UTC(2026, 10, 25, 7, 59),
      "2026-11-24",
      Date.UTC(2026, 10, 25, 8),
    ],
    ["Asia/Kathmandu", NOON, "2026-11-25", Date.UTC(2026, 10, 25, 18, 15)],
  ])("in %s", (name, now, day, endsAt) => {
    expect(dayIn(name.split(",")[0] ?? "", now)).toEqual({ name: day, endsAt });
  });

  it.each([
    ["25 hours when the clocks go back", Date.UTC(2026, 9, 25, 6), 25],
    ["23 hours when they go forward", Date.UTC(2026, 2, 29, 6), 23],
  ])("has %s", (_, within, hours) => {
    const { endsAt } = dayIn("Europe/Berlin", within);
    const { endsAt: before } = dayIn("Europe/Berlin", within - 24 * HOUR_MS);
    expect(endsAt - before).toBe(hours * HOUR_MS);
  });
});

describe("budgets of a call", () => {
  const rules: BudgetRules = {
    globalMicroUsd: 100,
    providersMicroUsd: new Map([["grok", 50]]),
    agentMicroUsd: 10,
    agentsMicroUsd: new Map([
      ["ada", 20],
      ["nori", 0],
    ]),
    warnShare: 0.8,
    unknownPrice: "allow",
  };

  it.each([
    ["openai", "echo", ["global 100", "agent|echo 10"]],
    ["grok", "ada", ["global 100", "provider|grok 50", "agent|ada 20"]],
    ["openai", "nori", ["global 100", "agent|nori 0"]],
    ["openai", "constructor", ["global 100", "agent|constructor 10"]],
  ])("%s, %s", (provider, agentId, expected) => {
    const budgets = budgetsOf(rules, provider, agentId);
    expect(budgets.map(({ name, limitMicroUsd }) => `${name} ${limitMicroUsd}`)).toEqual(expected);
  });

  it("are none when nothing is said", () => {
    const none = { ...rules, globalMicroUsd: null, agentMicroUsd: null };
    expect(budgetsOf(none, "openai", "echo")).toEqual([]);
  });
});
