import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { healthText } from "../../../src/cli/health-text.ts";
import { showSince } from "../../../src/cli/times.ts";
import { roundedDuration } from "../../../src/platform/numbers.ts";
import type { OperatorHealth } from "../../../src/compose-operator.ts";
import type { BudgetHealth } from "../../../src/storage/budget-report.ts";
import type { GroupHealth } from "../../../src/storage/health-report.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const NOTHING: OperatorHealth = { groups: [], pausedKeys: [], operatorPauses: [], budgets: [] };
const GROUP: GroupHealth = {
  ...{ name: "openai/gpt-6-luna#1a2b3c4d", provider: "openai", state: "ok", why: null, untilAt: null },
  ...{ calls: 200, successShare: 0.9999, p50Ms: 812, p95Ms: 12_345, lastSucceededAt: NOW },
  ...{ lastError: null, callsGranted: 1200 },
  ...{ callsPerMinute: 12, requestsPerMinute: 500 },
  limits: {
    ...{ requestsPerMinute: 2400, isObserved: false, tokensPerMinute: 200_000 },
    ...{ inputTokensPerMinute: null, outputTokensPerMinute: null, requestsPerDay: null },
  },
};
const NO_LIMITS = { ...GROUP.limits, requestsPerMinute: null, tokensPerMinute: null };
const BUDGET: BudgetHealth = {
  ...{ name: "global", spentMicroUsd: 9_000_000, heldMicroUsd: 500_000, limitMicroUsd: 10_000_000, usedShare: 0.95 },
  isUsedUp: false,
};

function text(health: Partial<OperatorHealth>): string {
  const lanes = [{ name: "openai~gpt-6-luna>grok~grok-4.3", chain: "openai/gpt-6-luna > grok/grok-4.3" }];
  const shown = healthText({ ...NOTHING, ...health }, { namespace: "puppet", lanes, now: NOW });
  return stripVTControlCharacters(shown);
}

/** The cells of the row of the only limit group. */
function cellsOf(group: Partial<GroupHealth>): string[] {
  const row = text({ groups: [{ ...GROUP, ...group }] })
    .split("\n")
    .find((line) => line.startsWith("│ openai/"));
  return (row ?? "").split("│").map((cell) => cell.trim());
}

describe("health", () => {
  it("without calls says so", () => {
    expect(text({})).toBe("no calls yet (namespace puppet)");
  });

  it("has a row per limit group, what wants a person below it, and budgets", () => {
    const lastError = { outcome: "quota-exhausted", message: "HTTP 429: You are out of credits", at: NOW - 90_000 };
    const grok: GroupHealth = {
      ...{ ...GROUP, name: "grok/grok-4.3", provider: "grok", state: "paused", why: "quota-exhausted" },
      ...{ untilAt: NOW + 240_000, calls: 3, successShare: 0, limits: NO_LIMITS, lastError: lastError as never },
    };
    const pausedKeys = [{ name: "openai#99999999", provider: "openai", why: "authentication", untilAt: NOW + 60_000 }];
    const operatorPauses = [
      { what: "all", sinceAt: NOW - 60_000 },
      { what: "lane", name: "openai~gpt-6-luna>grok~grok-4.3", sinceAt: NOW - 3 * 3600_000 },
    ] as const;
    const agent = { ...BUDGET, name: "agent ada", spentMicroUsd: 0, heldMicroUsd: 0, usedShare: 0 };
    const shown = text({ groups: [grok, GROUP], pausedKeys, operatorPauses, budgets: [BUDGET, agent] });
    expect(`\n${shown}\n`).toMatchInlineSnapshot(`
      "
      ┌────────────────────────────┬─────────────────────────────────────┬───────┬───────────┬────────┬────────┬───────────────────────────────┬──────────────────────────┐
      │ limit group                │ state                               │ calls │ succeeded │    p50 │    p95 │ learned limits                │ last error               │
      │ grok/grok-4.3              │ paused: quota-exhausted, 4 min more │     3 │       0 % │ 812 ms │ 12.3 s │                               │ quota-exhausted 90 s ago │
      │ openai/gpt-6-luna#1a2b3c4d │ ok                                  │   200 │    99.9 % │ 812 ms │ 12.3 s │ 2,400/min, 200,000 tokens/min │                          │
      └────────────────────────────┴─────────────────────────────────────┴───────┴───────────┴────────┴────────┴───────────────────────────────┴──────────────────────────┘

      grok/grok-4.3 is paused: quota-exhausted; top up at the vendor; workers look again in 4 min
      grok/grok-4.3: last error: HTTP 429: You are out of credits
      key openai#99999999 is paused: authentication; replace the key and restart the workers; workers look again in 60 s
      everything is paused by an operator since 2026-11-23 11:59 UTC (60 s ago): puppet-engine resume all
      lane openai/gpt-6-luna > grok/grok-4.3 is paused by an operator since 2026-11-23 09:00 UTC (3 h ago): puppet-engine resume "openai/gpt-6-luna > grok/grok-4.3"

      ┌───────────────────────┬─────────────┬──────────┬─────────┬─────────────────┐
      │ budget of today (UTC) │ spent (USD) │ reserved │   limit │ used            │
      │ global                │      9.0000 │    0.500 │ 10.0000 │ █████████░ 95 % │
      │ agent ada             │           0 │        0 │ 10.0000 │ ░░░░░░░░░░ 0 %  │
      └───────────────────────┴─────────────┴──────────┴─────────┴─────────────────┘
      "
    `);
  });
});

describe("a limit group's", () => {
  it.each([
    [{ state: "ok" }, "ok"],
    [{ state: "rate-limited", why: "rate-limited", untilAt: NOW + 11_500 }, "rate-limited, 12 s more"],
    [{ state: "paused", why: "overloaded", untilAt: NOW + 300_000 }, "paused: overloaded, 5 min more"],
    [{ state: "circuit-open", untilAt: NOW + 20_000 }, "circuit open, 20 s more"],
    [{ state: "probing" }, "probing"],
    [{ state: "recovering" }, "recovering"],
  ] as const)("state %j reads %s", (state, words) => {
    expect(cellsOf(state)[2]).toBe(words);
  });

  it("successes are not rounded up to all of them", () => {
    expect(cellsOf({ successShare: 0.9999 })[4]).toBe("99.9 %");
    expect(cellsOf({ successShare: 1 })[4]).toBe("100 %");
    expect(cellsOf({ successShare: 0.29 })[4]).toBe("29 %");
    expect(cellsOf({ successShare: null, p50Ms: null, p95Ms: null }).slice(4, 7)).toEqual(["", "", ""]);
  });

  it("limits name what they count, and which was worked out from refusals", () => {
    expect(cellsOf({})[7]).toBe("2,400/min, 200,000 tokens/min");
    const observed = { ...NO_LIMITS, requestsPerMinute: 1180.4, isObserved: true, requestsPerDay: 10_000 };
    expect(cellsOf({ limits: observed })[7]).toBe("~1,180/min, 10,000/day");
    const split = { ...NO_LIMITS, requestsPerMinute: 0.25, inputTokensPerMinute: 30_000, outputTokensPerMinute: 8000 };
    expect(cellsOf({ limits: split })[7]).toBe("0.25/min, 30,000 input tokens/min, 8,000 output tokens/min");
    expect(cellsOf({ limits: NO_LIMITS })[7]).toBe("");
  });

  it("last error has its message only while it stands in the way", () => {
    const lastError = { outcome: "overloaded", message: "HTTP 503", at: NOW - 5000 } as const;
    expect(cellsOf({ lastError })[8]).toBe("overloaded 5 s ago");
    expect(text({ groups: [{ ...GROUP, lastError }] })).not.toContain("HTTP 503");
    const open = { ...GROUP, lastError, state: "circuit-open", untilAt: NOW + 1000 } as const;
    expect(text({ groups: [open] })).toContain("openai/gpt-6-luna#1a2b3c4d: last error: HTTP 503");
  });

  it.each([
    ["quota-exhausted", "quota-exhausted; top up at the vendor; workers look again in 60 s"],
    ["authentication", "authentication; replace the key and restart the workers; workers look again in 60 s"],
    ["model-not-found", "model-not-found; correct the model's name in the agents; workers look again in 60 s"],
    [
      "certificate",
      "certificate; look at the endpoint's certificate, and at what stands between; workers look again in 60 s",
    ],
    ["overloaded", "overloaded; workers look again in 60 s"],
  ])("pause (%s) comes with what to do about it", (why, words) => {
    const paused = { ...GROUP, state: "paused", why, untilAt: NOW + 60_000 } as const;
    expect(text({ groups: [paused] })).toContain(`\nopenai/gpt-6-luna#1a2b3c4d is paused: ${words}`);
  });
});

it("a pause of a key is not told again for each of its limit groups", () => {
  const until = { why: "authentication", untilAt: NOW + 60_000 };
  const pausedKeys = [{ name: "openai#1a2b3c4d", provider: "openai", ...until }];
  const shown = text({ groups: [{ ...GROUP, state: "paused", ...until }], pausedKeys });
  expect(shown.match(/replace the key/g)).toHaveLength(1);
});

it("of many budgets the most used are shown, and how many are not", () => {
  const budgets = Array.from({ length: 23 }, (_, index) => ({ ...BUDGET, name: `agent a${index}` }));
  const shown = text({ budgets });
  expect(shown).toContain("agent a19 ");
  expect(shown).not.toContain("agent a20 ");
  expect(shown).toMatch(/\nand 3 more agents, less used; --json shows all$/);
});

it("a budget that is overdrawn has a full bar", () => {
  expect(text({ budgets: [{ ...BUDGET, usedShare: 1.5 }] })).toContain("██████████ 150 %");
});

it.each([
  [-5, "0 s"],
  [1, "1 s"],
  [119_000, "119 s"],
  [120_001, "3 min"],
  [119 * 60_000, "119 min"],
  [2 * 3600_000, "2 h"],
  [71 * 3600_000, "71 h"],
  [72 * 3600_000, "3 days"],
])("%d ms read %s", (ms, words) => {
  expect(roundedDuration(ms)).toBe(words);
});

it("a moment reads as a date and how long ago it was", () => {
  expect(showSince(NOW - 240_000, NOW)).toBe("2026-11-23 11:56 UTC (4 min ago)");
});
