import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laneShares, type LaneDemand } from "../../../src/queue/lane-shares.ts";

/** A lane without a limiter, of which every job counts. */
function busy(inWork: number): LaneDemand {
  return { inWork, counted: inWork, target: Infinity };
}

describe("laneShares", () => {
  it("gives everything to the only lane", () => {
    expect(laneShares([busy(0)], 64)).toEqual([64]);
    expect(laneShares([busy(64)], 64)).toEqual([64]);
  });

  it("lets a lane start beside one that holds everything, and shrinks that one", () => {
    expect(laneShares([busy(64), busy(0)], 64)).toEqual([64, 1]);
    expect(laneShares([busy(64), busy(1)], 64)).toEqual([32, 1]);
    expect(laneShares([busy(40), busy(1)], 64)).toEqual([32, 24]);
    expect(laneShares([busy(32), busy(32)], 64)).toEqual([32, 32]);
  });

  it("gives a lane no more than its limiter lets through", () => {
    expect(laneShares([{ inWork: 12, counted: 4, target: 12 }], 64)).toEqual([12]);
  });

  it("what a limited lane does not need goes to the others", () => {
    expect(laneShares([{ inWork: 12, counted: 4, target: 12 }, busy(40)], 64)).toEqual([12, 60]);
    expect(laneShares([{ inWork: 4, counted: 4, target: 4 }, busy(30), busy(30)], 64)).toEqual([4, 30, 30]);
    expect(laneShares([{ inWork: 4, counted: 4, target: 4 }, busy(40), busy(20)], 64)).toEqual([4, 30, 20]);
  });

  it("what waits for a slot takes nobody's room", () => {
    expect(laneShares([{ inWork: 30, counted: 0, target: 30 }, busy(10)], 64)).toEqual([30, 64]);
  });

  it("a lane that stands still keeps what it has and gives the cap to the others", () => {
    const stuck = { inWork: 32, counted: 0, target: Infinity };
    expect(laneShares([stuck, busy(32)], 64)).toEqual([32, 64]);
    expect(laneShares([{ ...stuck, inWork: 64 }], 64), "alone too: it must not grow beyond the cap").toEqual([64]);
  });

  it("a lane of long calls takes what nobody uses", () => {
    const slow = { inWork: 3, counted: 0, target: Infinity };
    expect(laneShares([slow], 4)).toEqual([4]);
    expect(laneShares([slow, busy(10)], 64)).toEqual([54, 64]);
    expect(laneShares([slow, slow], 64), "together").toEqual([32, 32]);
    expect(laneShares([slow, slow], 7), "one more at most").toEqual([4, 4]);
  });

  it("never lets lanes grow beyond the cap, but for one job each", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(70), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 64 }),
        (inWork, cap) => {
          const shares = laneShares(inWork.map(busy), cap);
          const total = inWork.reduce((sum, jobs) => sum + jobs, 0);
          for (const [lane, share] of shares.entries()) {
            const jobs = inWork[lane] ?? 0;
            expect(share).toBeGreaterThanOrEqual(1);
            // What one lane may add to what is in work now stays under the cap.
            if (share > Math.max(1, jobs)) expect(total - jobs + share).toBeLessThanOrEqual(Math.max(cap, total));
          }
        },
      ),
    );
  });
});
