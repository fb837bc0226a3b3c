import { describe, expect, it } from "vitest";
import { compareTable } from "../../../src/cli/compare-table.ts";
import { figuresOf, remarks } from "../../../src/compare/figures.ts";
import { findings } from "../../../src/compare/findings.ts";
import { nearestRank } from "../../../src/compare/nearest-rank.ts";
import { summarise, type ModelSummary } from "../../../src/compare/summarise.ts";
import { attempt, compared, failed, written } from "./sample.ts";

function taking(durationMs: number): ReturnType<typeof compared> {
  return compared(written({ attempts: [attempt({ durationMs })] }));
}

describe("the summary of a model", () => {
  it("has percentiles by nearest rank, which are values that were measured", () => {
    expect([0.5, 0.95].map((share) => nearestRank([7], share))).toEqual([7, 7]);
    expect(nearestRank([1, 2], 0.5)).toBe(1);
    const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
    expect([0.5, 0.95, 1].map((share) => nearestRank(twenty, share))).toEqual([10, 19, 20]);
    expect(summarise("m", [300, 100, 200].map(taking))).toMatchObject({
      ...{ latenciesMs: [100, 200, 300], p50Ms: 200, p95Ms: 300 },
    });
  });

  it("takes the latency of the call that brought the text, and the cost of all calls", () => {
    const overloaded = attempt({ outcome: "overloaded", durationMs: 9000, costMicroUsd: 5, possiblyBilled: true });
    const result = written({ attempts: [overloaded, attempt({ attempt: 2, durationMs: 40 })], costMicroUsd: 15 });
    expect(summarise("m", [compared(result)])).toMatchObject({
      ...{ latenciesMs: [40], costMicroUsd: 15, possiblyBilledMicroUsd: 5, costPerThousandMicroUsd: 15_000 },
    });
  });

  it("counts characters as code points, and averages over written texts alone", () => {
    const texts = [compared(written({ text: "🌧🌧" })), compared(written({ text: "rain" })), compared(failed("no"))];
    expect(summarise("m", texts)).toMatchObject({ asked: 3, written: 2, characters: 3, inputTokens: 40 });
  });

  it("never counts an unknown price as 0", () => {
    const unknown = written({ attempts: [attempt({ costMicroUsd: null })], costMicroUsd: null });
    const summary = summarise("m", [compared(unknown), compared(written())]);
    expect(summary).toMatchObject({ costMicroUsd: 10, unpriced: 1, costPerThousandMicroUsd: null });
    expect(figuresOf(summary)).toMatchObject({ cost: "0.0000100 + ?", costPerThousand: "?" });
    expect(figuresOf(summarise("m", [compared(unknown)]))).toMatchObject({ cost: "?", costPerThousand: "?" });
    expect(remarks([summary])).toContainEqual(expect.stringMatching(/^The cost of 1 job is not known .*"prices"/));
  });

  it("spreads the cost of failures over the texts that were written", () => {
    const refused = failed("refused", { attempts: [attempt({ outcome: "content-filtered", costMicroUsd: 30 })] });
    const summary = summarise("m", [compared(written()), compared({ ...refused, costMicroUsd: 30 })]);
    expect(summary).toMatchObject({ costMicroUsd: 40, costPerThousandMicroUsd: 40_000 });
  });

  it("has nothing to tell where nothing was written", () => {
    const summary = summarise("m", [compared(failed("no"))]);
    expect(figuresOf(summary)).toEqual({
      ...{ model: "m", written: "0/1", p50: "–", p95: "–", tokensIn: "–", tokensOut: "–" },
      ...{ cost: "0", costPerThousand: "–", characters: "–", feedback: "" },
    });
  });

  it("has failures by status, outcome and HTTP status, the most frequent first, each with an example", () => {
    const after = (outcome: "overloaded" | "authentication", message: string) =>
      compared(failed(`m: ${message}`, { attempts: [attempt({ outcome, message })] }));
    const texts = [
      after("authentication", "HTTP 401: no"),
      ...["req_1", "req_2", "req_3"].map((id) => after("overloaded", `HTTP 503: busy (${id})`)),
      ...["HTTP 529: busy", "HTTP 529: busy"].map((message) => after("overloaded", message)),
      compared(failed("cancelled", { status: "cancelled", attempts: [] })),
    ];
    expect(summarise("m", texts).failures).toEqual([
      { status: "failed", outcome: "overloaded", reason: "m: HTTP 503: busy (req_1)", isWhole: false, count: 3 },
      { status: "failed", outcome: "overloaded", reason: "m: HTTP 529: busy", isWhole: true, count: 2 },
      { status: "failed", outcome: "authentication", reason: "m: HTTP 401: no", isWhole: true, count: 1 },
      { status: "cancelled", outcome: null, reason: "cancelled", isWhole: true, count: 1 },
    ]);
  });

  it("has the mean of the feedback that was given", () => {
    const texts = [1, 0, null, 0.5].map((score) => compared(written(), score));
    expect(summarise("m", texts).feedback).toEqual({ count: 3, mean: 0.5 });
    expect(summarise("m", [compared(written())]).feedback).toBe(null);
  });
});

describe("the table", () => {
  const summary = summarise("openai/gpt-6-luna", [compared(written()), compared(failed("refused"))]);

  it("has a row for each model, and a line for each reason of failures", () => {
    const table = compareTable({ models: [summary] });
    expect(table).toMatch(/^openai\/gpt-6-luna +1\/2 +100 ms +100 ms +40\/8 +0\.0000100 +0\.0100 +14$/m);
    expect(table).toMatch(/^openai\/gpt-6-luna, once: refused$/m);
    expect(table).toContain("With fewer than 20 texts of a model, its p95 is its slowest call.");
  });

  const LARGE: Partial<ModelSummary> = {
    ...{ asked: 100, written: 100, p50Ms: 9999, p95Ms: 59_999, inputTokens: 2000, outputTokens: 1200 },
    ...{ costMicroUsd: 123_400, costPerThousandMicroUsd: 1_234_000, characters: 1200 },
    feedback: { count: 100, mean: 0.5 },
  };

  function tableOf(...names: string[]): string[] {
    const models = names.map((name) => ({ ...summary, ...LARGE, failures: [], model: name }));
    return compareTable({ models })
      .split("\n")
      .slice(0, names.length + 1);
  }

  it("fits 100 columns, with the usual names whole", () => {
    const names = ["openai/gpt-6-luna", "grok/grok-4.3", "openai/gpt-6.1-terra"];
    const lines = tableOf(...names);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines.slice(1).map((line) => line.replace(/ .*/, ""))).toEqual(names);
  });

  it("has long names cut in the middle, and whole where that makes two the same", () => {
    const long = `openai/${"m".repeat(90)}@v2`;
    const lines = tableOf(long, "grok/grok-4.3");
    expect(Math.max(...lines.map((line) => line.length))).toBe(100);
    expect(lines[1]).toMatch(/^openai\/m+…m+@v2 +100\/100 /);
    const [, first, second] = tableOf(`openai/${"m".repeat(40)}a${"m".repeat(49)}@v2`, long);
    expect([first, second].map((line) => line?.includes("…"))).toEqual([false, false]);
  });

  it("has at most ten lines of failures, the most frequent of all models, and says how many more there are", () => {
    const models = Array.from({ length: 12 }, (_, index) =>
      summarise(
        `fake/fake-${index}`,
        Array.from({ length: index + 1 }, (__, text) => compared(failed(`no (${text})`))),
      ),
    );
    const lines = compareTable({ models }).split("\n");
    expect(lines.filter((line) => line.includes(": no ("))).toHaveLength(10);
    expect(lines).toContain("fake/fake-11, 12 times, for example: no (0)");
    expect(lines.at(-1)).toBe("and 2 more");
  });

  it("has a column for feedback once there is some", () => {
    expect(compareTable({ models: [summary] })).not.toContain("feedback");
    const scored = summarise("grok/grok-4.3", [compared(written(), 0.8), compared(written(), 0.9)]);
    expect(compareTable({ models: [summary, scored] })).toMatch(/feedback[^]*0\.85 \(2\)/);
  });
});

describe("what strikes the eye", () => {
  const model = (name: string, parts: Partial<ModelSummary>): ModelSummary => ({
    ...summarise(name, [compared(written())]),
    ...parts,
  });
  const models = [
    model("grok/b", { p50Ms: 300, costPerThousandMicroUsd: 40_000 }),
    model("openai/a", { p50Ms: 100, costPerThousandMicroUsd: 80_000 }),
  ];

  it("is who is quickest, who is cheapest, and who left something unwritten", () => {
    expect(
      findings([...models, model("fake/c", { ...summarise("", [compared(failed("no"))]), model: "fake/c" })]),
    ).toEqual([
      "openai/a was the quickest: half of its texts came within 100 ms; grok/b took 300 ms.",
      "grok/b was the cheapest at 0.0400 USD per 1,000 texts; openai/a came to 0.0800.",
      "fake/c wrote nothing.",
    ]);
    expect(findings([model("a", { asked: 3, written: 2 }), ...models])).toContain("a left 1 of 3 unwritten.");
  });

  it("is said of a free model, too", () => {
    expect(findings([...models, model("fake/c", { p50Ms: 500, costPerThousandMicroUsd: 0 })])).toContain(
      "fake/c cost nothing; openai/a came to 0.0800 USD per 1,000 texts.",
    );
  });

  it("is nothing of one model alone, of equals, and of what is not known", () => {
    expect(findings(models.slice(1))).toEqual([]);
    expect(findings(["a", "b"].map((name) => model(name, {})))).toEqual([]);
    expect(findings(["a", "b"].map((name) => model(name, { p50Ms: null, costPerThousandMicroUsd: null })))).toEqual([]);
  });
});
