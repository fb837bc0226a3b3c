import { describe, expect, it } from "vitest";
import { usageTable, type ShownUsage } from "../../../src/cli/tables.ts";
import { formatUsd } from "../../../src/platform/numbers.ts";

const ROW: ShownUsage = {
  key: "openai",
  requests: 1234,
  failures: 5,
  inputTokens: 120_000,
  outputTokens: 34_567,
  totalTokens: 154_567,
  costMicroUsd: 29_283.5,
  possiblyBilledMicroUsd: 0,
  unpriced: 0,
  averageMs: 1300,
  p50Ms: 1200,
  p95Ms: 12_345,
};
const GROK: ShownUsage = {
  ...ROW,
  key: "grok",
  requests: 766,
  failures: 0,
  costMicroUsd: 2_000_000,
  averageMs: 700,
  p50Ms: 512,
  p95Ms: 900,
};

describe("the usage table", () => {
  it("has a row for each key, and a sum", () => {
    expect(`\n${usageTable("provider", [ROW, GROK])}\n`).toMatchInlineSnapshot(`
      "
      provider  requests  failed  tokens in  tokens out    total  cost (USD)  latency     p50     p95
      openai       1,234       5    120,000      34,567  154,567      0.0293   1.30 s  1.20 s  12.3 s
      grok           766       0    120,000      34,567  154,567      2.0000   700 ms  512 ms  900 ms
      all          2,000       5    240,000      69,134  309,134      2.0293   1.07 s
      "
    `);
  });

  it("needs no sum for one row", () => {
    expect(`\n${usageTable("model", [{ ...ROW, key: "openai/ft:gpt-6-luna:acme::a1" }])}\n`).toMatchInlineSnapshot(`
      "
      model                         requests failed tokens in tokens out cost (USD) latency    p50    p95
      openai/ft:gpt-6-luna:acme::a1    1,234      5   120,000     34,567     0.0293  1.30 s 1.20 s 12.3 s
      "
    `);
  });

  it("has only its head when there is nothing to show", () => {
    expect(`\n${usageTable("day", [])}\n`).toMatchInlineSnapshot(`
      "
      day  requests  failed  tokens in  tokens out  total  cost (USD)  latency  p50  p95
      "
    `);
  });

  it("leaves percentiles out where no distribution is kept", () => {
    const byAgent = { ...ROW, key: "ada", p50Ms: null, p95Ms: null };
    expect(`\n${usageTable("agent", [byAgent])}\n`).toMatchInlineSnapshot(`
      "
      agent  requests  failed  tokens in  tokens out    total  cost (USD)  latency  p50  p95
      ada       1,234       5    120,000      34,567  154,567      0.0293   1.30 s
      "
    `);
  });

  it("has a column of feedback as soon as one row has any, and a mean over all texts with a score", () => {
    const rows = [
      { ...ROW, feedback: { count: 1200, mean: 0.825 } },
      { ...GROK, feedback: null },
    ];
    const columns = usageTable("provider", rows)
      .split("\n")
      .map((line) => line.slice(0, 100).split(/ {2,}/).at(-1));
    expect(columns).toEqual(["feedback", "0.82 (1,200)", "900 ms", "0.82 (1,200)"]);
    const two = usageTable("provider", [
      { ...ROW, feedback: { count: 3, mean: 1 } },
      { ...GROK, feedback: { count: 1, mean: 0 } },
    ]);
    expect(two).toContain("1.00 (3)");
    expect(two).toContain("0.00 (1)");
    expect(two, "of the texts, not of the rows").toContain("0.75 (4)");
    expect(usageTable("provider", [{ ...ROW, feedback: null }])).not.toContain("feedback");
  });

  it("fits 100 columns with the usual names and sizes: without the total where that has no room", () => {
    const million = { ...ROW, inputTokens: 12_345_678, outputTokens: 2_345_678, totalTokens: 14_691_356 };
    const scored = { ...million, feedback: { count: 41, mean: 0.82 } };
    const heads = [scored, million].map((row) => {
      const lines = usageTable("model", [
        { ...row, key: "openai/gpt-6-luna" },
        { ...row, key: "grok/grok-4.3" },
      ]).split("\n");
      expect(lines.filter((line) => line.length > 100)).toEqual([]);
      return lines[0];
    });
    expect(heads[0]).toMatch(
      /^model +requests +failed +tokens in +tokens out +cost \(USD\) +latency +p50 +p95 +feedback$/,
    );
    expect(heads[1]).toMatch(/^model +requests +failed +tokens in +tokens out +cost \(USD\) +latency +p50 +p95$/);
    expect(usageTable("provider", [ROW])).toContain("total");
  });

  it("marks costs that are not known or not certain, and says what that means", () => {
    const text = usageTable("provider", [
      { ...ROW, unpriced: 1200 },
      { ...GROK, possiblyBilledMicroUsd: 142.1 },
    ]);
    expect(text).toContain("0.0293 + ?");
    expect(text).toContain("2.0293 + ?");
    expect(text.split("\n").slice(-2)).toEqual([
      '+ ?  1,200 requests have no known price and are not in the cost; add it under "prices" in the configuration file',
      "up to 0.000142 USD of the cost is uncertain: the vendor may or may not have billed requests that broke off",
    ]);
  });
});

describe("formatUsd", () => {
  it.each([
    [0, "0"],
    [1, "0.00000100"],
    [117.65, "0.000118"],
    [142_000, "0.142"],
    [999_400, "0.999"],
    [1_000_000, "1.0000"],
    [12_345_678, "12.3457"],
    [99_999_900, "99.9999"],
    [100_000_000, "100.00"],
    [1_234_567_890_000, "1234567.89"],
  ])("shows %d micro-USD as %s USD", (microUsd, usd) => {
    expect(formatUsd(microUsd)).toBe(usd);
  });
});
