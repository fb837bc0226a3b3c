import { expect, it } from "vitest";
import { usdColumn } from "../../../src/monitor/pages/usd-column.ts";

it.each<[string, readonly (number | null)[], readonly string[]]>([
  ["four decimals", [12_345_678, 20, 3000, 0], ["$12.3457", "<$0.0001", "$0.0030", "$0.0000"]],
  ["more where all amounts are small", [240, 3, 0], ["$0.000240", "$0.000003", "$0.000000"]],
  ["no more than are counted", [2e-6], ["$0.000000000002"]],
  ["four where there is nothing", [0], ["$0.0000"]],
  ["and unknown ones say so", [null, 1e6], ["unknown", "$1.0000"]],
])("a column of amounts has %s", (_case, amounts, written) => {
  const write = usdColumn(amounts);
  expect(amounts.map((amount) => write(amount))).toEqual(written);
});

it("a price that is not known for a part is told", () => {
  expect(usdColumn([1e6])(1e6, 2)).toBe("$1.0000 + ?");
});
