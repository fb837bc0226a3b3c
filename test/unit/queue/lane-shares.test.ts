import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { laneShares } from "../../../src/queue/lane-shares.ts";

describe("laneShares", () => {
  it("gives everything to the only lane", () => {
    expect(laneShares([0], 64)).toEqual([64]);
    expect(laneShares([64], 64)).toEqual([64]);
  });

  it("lets a lane start beside one that holds everything, and shrinks that one", () => {
    expect(laneShares([64, 0], 64)).toEqual([64, 1]);
    expect(laneShares([64, 1], 64)).toEqual([32, 1]);
    expect(laneShares([40, 1], 64)).toEqual([32, 24]);
    expect(laneShares([32, 32], 64)).toEqual([32, 32]);
  });

  it("never lets lanes grow beyond the cap, but for one job each", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(70), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 64 }),
        (inWork, cap) => {
          const shares = laneShares(inWork, cap);
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
