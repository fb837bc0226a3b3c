import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { modelRows, type ModelRow } from "../../../src/cli/model-rows.ts";
import { modelsFootnotes, modelsTable } from "../../../src/cli/models-table.ts";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { createPrices } from "../../../src/models/prices.ts";

const ROOT = join(import.meta.dirname, "../../..");
const NOW = Date.UTC(2026, 10, 26);

/** Of every folder with a models.json, whether it is a provider yet or not. */
function shippedRows(): ModelRow[] {
  const shipped = globSync("src/providers/*/models.json", { cwd: ROOT }).map((path) => ({
    id: basename(dirname(path)),
    models: JSON.parse(readFileSync(join(ROOT, path), "utf8")) as unknown,
    isFree: false,
  }));
  const catalogue = createCatalogue(shipped);
  const providers = { catalogue, defaultModels: {}, definitions: shipped };
  return modelRows({ providers, prices: createPrices({ catalogue }), agents: new Map(), now: NOW });
}

const ROW: ModelRow = {
  ...{ provider: "p", model: "m", title: null, speed: null, quality: null, cost: null, bestFor: null },
  ...{ contextTokens: null, outputTokens: null, price: null, status: "served", retiresOn: null, replacement: null },
  ...{ isDefault: false, usedBy: [], parameters: {}, reasoning: null, note: null, judgedOn: null },
  ...{ source: null, readOn: null },
};

it("what is served fits into 100 columns, for every provider and with every date", () => {
  const served = shippedRows().filter(({ status }) => status !== "retired");
  const lines = [modelsTable(served, new Map()), ...modelsFootnotes(served, { retired: 10 })].join("\n").split("\n");
  expect(lines.length).toBeGreaterThan(60);
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  expect(lines.filter((line) => line.endsWith(" "))).toEqual([]);
});

it("one table for each provider, aligned, with a column for dates only where there is one", () => {
  const rows: ModelRow[] = [
    { ...ROW, isDefault: true, usedBy: ["ada"], contextTokens: 1_047_576, price: "free" },
    { ...ROW, model: "long-name", speed: "Fast", contextTokens: 8192, bestFor: "Tests" },
    {
      ...ROW,
      provider: "q",
      contextTokens: 999,
      retiresOn: "2027-01-01",
      price: { inputMtok: 0.1, outputMtok: 2, tiers: [] },
    },
  ];
  expect(modelsTable(rows, new Map([["p", "Provider P"]])).split("\n")).toEqual([
    "p (Provider P)",
    "model      speed  quality  cost  best for window in/out",
    "m *+       ?      ?        ?     ?         1.05M   free",
    "long-name  Fast   ?        ?     Tests        8k      ?",
    "",
    "q",
    "model  speed  quality  cost  best for window in/out    retires",
    "m      ?      ?        ?     ?           999  0.1/2 2027-01-01",
    "",
  ]);
});

it("tells the span of days in which the facts were read, and nothing of what nobody dated", () => {
  const dated = [{ ...ROW, readOn: "2026-11-26" }, { ...ROW, readOn: "2026-10-01", judgedOn: "2026-11-01" }, ROW];
  const notes = modelsFootnotes(dated, { retired: 0 }).join("\n");
  expect(notes).toContain("Read from public sources from 2026-10-01 to 2026-11-26, which --json names.");
  expect(notes).toContain("Speed, quality, cost and use are our judgement on 2026-11-01.");
  expect(notes).not.toMatch(/retired models|under retires/);
  expect(modelsFootnotes([ROW], { retired: 0 }).join("\n")).not.toMatch(/Read from|judgement/);
});
