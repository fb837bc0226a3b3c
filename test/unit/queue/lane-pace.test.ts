import { describe, expect, it } from "vitest";
import { createLanePace, type LanePace } from "../../../src/queue/lane-pace.ts";

interface Stage {
  readonly pace: LanePace;
  pass(ms: number): void;
}

function stage(): Stage {
  let now = 0;
  return { pace: createLanePace(() => now), pass: (ms) => void (now += ms) };
}

/** Takes jobs into work that are granted slots so far ahead. */
function grant(pace: LanePace, ...slotsInMs: readonly number[]) {
  return slotsInMs.map((slotInMs) => {
    pace.started();
    const follow = pace.follow();
    follow({ slotInMs });
    return follow;
  });
}

describe("a lane's pace", () => {
  it("is without a bound until a limiter is in the way", () => {
    const { pace } = stage();
    grant(pace, 0, 0, 0);
    expect(pace).toMatchObject({ inWork: 3, counted: 3, target: Infinity });
  });

  it("when one is told to come back, as many are right as were granted", () => {
    const { pace } = stage();
    grant(pace, 0, 100, 200);
    for (let refused = 0; refused < 5; refused++) pace.started();
    pace.blocked();
    expect(pace.target).toBe(3);
    pace.blocked();
    expect(pace.target, "not less for every one that is told so").toBe(3);
  });

  it("one more while slots come soon, one less while they are far ahead, neither in between", () => {
    const { pace } = stage();
    grant(pace, 200, 200, 200, 200);
    pace.blocked();
    expect(pace.target).toBe(4);
    grant(pace, 100);
    expect(pace.target).toBe(6);
    grant(pace, 300);
    expect(pace.target).toBe(6);
    grant(pace, 800);
    expect(pace.target).toBe(5);
  });

  it("never falls below one", () => {
    const { pace } = stage();
    pace.started();
    pace.blocked();
    expect(pace.target).toBe(1);
    grant(pace, 900, 900);
    expect(pace.target).toBe(1);
  });

  it("starts anew when the lane has run dry: its next rush finds a full bucket", () => {
    const { pace } = stage();
    pace.started();
    pace.blocked();
    pace.ended();
    expect(pace.target).toBe(Infinity);
  });

  it("jobs that wait for their slots do not count until they call", () => {
    const { pace } = stage();
    const [waiting] = grant(pace, 400, 0);
    expect(pace.counted).toBe(1);
    waiting?.("calling");
    expect(pace.counted).toBe(2);
    waiting?.("over");
    pace.ended();
    expect(pace).toMatchObject({ inWork: 1, counted: 1 });
  });

  it("a slot that is taken back counts as over", () => {
    const { pace } = stage();
    const [waiting] = grant(pace, 400, 0);
    waiting?.("over");
    pace.blocked();
    expect(pace.target).toBe(1);
  });

  it("a lane of which nothing has ended for a second does not count, until something does", () => {
    const { pace, pass } = stage();
    grant(pace, 0, 0, 0);
    pass(1000);
    expect(pace.counted).toBe(3);
    pass(1);
    expect(pace.counted).toBe(0);
    pace.ended();
    expect(pace.counted).toBe(2);
  });

  it("the time in which it had nothing to do is not held against it", () => {
    const { pace, pass } = stage();
    grant(pace, 0);
    pace.ended();
    pass(60_000);
    grant(pace, 0);
    expect(pace.counted).toBe(1);
  });
});
