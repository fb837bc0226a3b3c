import { expect, it } from "vitest";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { SOON_DAYS, retirementOf } from "../../../src/models/retirement.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";

const DAY_MS = 24 * 3600_000;
const END = Date.UTC(2026, 11, 11);
const catalogue = createCatalogue(PROVIDERS);
const at = (model: string, now: number) => retirementOf(catalogue, { provider: "openai", model }, now);

it("is over from the first moment of the day, in UTC, and soon for 90 days before", () => {
  const soon = { when: "soon", retiresOn: "2026-12-11", replacement: "gpt-6.1-sol" };
  expect(at("gpt-5", END)).toEqual({ ...soon, when: "over" });
  expect(at("gpt-5", END - 1)).toEqual(soon);
  expect(at("gpt-5", END - SOON_DAYS * DAY_MS)).toEqual(soon);
  expect(at("gpt-5", END - SOON_DAYS * DAY_MS - 1)).toBeNull();
});

it("counts for snapshots and for what is fine-tuned, and for nothing that is not known to end", () => {
  expect(at("gpt-5-2025-08-07", END)?.when).toBe("over");
  expect(at("ft:gpt-5-2025-08-07:org::id", END)?.when).toBe("over");
  expect(at("gpt-6-luna", END)).toBeNull();
  expect(at("gpt-99", END)).toBeNull();
});

it("says of the source's models what replaces them", () => {
  const names = ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo"];
  expect(names.map((name) => at(name, END)?.replacement)).toEqual(["gpt-6.1-sol", "gpt-6.1-sol", "gpt-6.1-terra"]);
  const grok = retirementOf(catalogue, { provider: "grok", model: "grok-1" }, END);
  expect(grok).toEqual({ when: "over", retiresOn: "2026-05-15", replacement: "grok-4.3" });
});
