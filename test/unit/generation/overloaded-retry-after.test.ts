import { describe, expect, it } from "vitest";
import { decide } from "../../../src/generation/decide.ts";
import { inputOf, rowOf, START } from "./decide-input.ts";

describe("503 with Retry-After", () => {
  it("retries when the vendor asks for it, not when the back-off would", () => {
    const history = [rowOf({ outcome: "overloaded", retryAfterMs: 20_000 })];
    expect(decide(inputOf({ history, now: START, waitLeftMs: 60_000 }))).toEqual({ do: "retry", afterMs: 20_000 });
    expect(decide(inputOf({ history, now: START + 19_999, waitLeftMs: 60_000 }))).toEqual({ do: "retry", afterMs: 1 });
    expect(decide(inputOf({ history, now: START + 20_000 }))).toMatchObject({ do: "call", member: 0 });
  });

  it("fails over when that is longer than the job can wait", () => {
    const history = [rowOf({ outcome: "overloaded", retryAfterMs: 61_000 })];
    expect(decide(inputOf({ history, now: START, waitLeftMs: 60_000 }))).toMatchObject({ do: "call", member: 1 });
  });
});
