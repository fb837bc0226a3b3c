import { expect, it } from "vitest";
import { sampleErrors } from "../../../src/platform/sampled-errors.ts";

it("the first of a kind is told at once, then one a minute with the number of those left out", () => {
  const lines: unknown[] = [];
  let nowMs = 5000;
  const logger = { error: (line: unknown, message: unknown) => void lines.push({ line, message }) };
  const tell = sampleErrors(logger as Parameters<typeof sampleErrors>[0], { monotonicMs: () => nowMs });
  for (let index = 0; index < 100; index++) tell("full", { index }, "full");
  tell("read-only", {}, "read-only");
  nowMs += 59_999;
  tell("full", { index: 100 }, "full");
  nowMs += 1;
  tell("full", { index: 101 }, "full");
  nowMs += 60_000;
  tell("full", { index: 102 }, "full");
  expect(lines).toEqual([
    { line: { index: 0 }, message: "full" },
    { line: {}, message: "read-only" },
    { line: { index: 101, leftOut: 100 }, message: "full" },
    { line: { index: 102 }, message: "full" },
  ]);
});
