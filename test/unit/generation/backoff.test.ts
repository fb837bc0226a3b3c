import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff, jitterOf } from "../../../src/generation/backoff.ts";

const POLICY = { baseMs: 1000, capMs: 10_000 };
const ALMOST_1 = 1 - 2 ** -32;

describe("backoff", () => {
  it.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [4, 8000],
    [5, 10_000],
    [6, 10_000],
    [2000, 10_000],
  ])("waits before retry %i anything from 0 to just under %i ms", (retry, boundMs) => {
    expect(backoff(retry, 0, POLICY)).toBe(0);
    expect(backoff(retry, 0.5, POLICY)).toBe(boundMs / 2);
    expect(backoff(retry, ALMOST_1, POLICY)).toBe(boundMs - 1);
  });

  it("is a whole number from 0 to the cap for every retry, jitter and policy", () => {
    const policy = fc.record({
      baseMs: fc.integer({ min: 1, max: 100_000 }),
      capMs: fc.integer({ min: 1, max: 100_000 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: ALMOST_1, noNaN: true }),
        policy,
        (...args) => {
          const ms = backoff(...args);
          expect(Number.isInteger(ms)).toBe(true);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(args[2].capMs);
        },
      ),
    );
  });
});

describe("jitterOf", () => {
  it("is the same number in [0, 1) for the same text, in every process", () => {
    expect(["job.1", "job.2", "j_42.3", ""].map(jitterOf)).toEqual([
      0.6717180674895644, 0.1405612644739449, 0.1205194282811135, 0.6689221884589642,
    ]);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const jitter = jitterOf(text);
        expect(jitter).toBeGreaterThanOrEqual(0);
        expect(jitter).toBeLessThan(1);
        expect(jitterOf(text)).toBe(jitter);
      }),
    );
  });

  it.each([
    ["attempts of one job", (index: number) => `ada-first-light.${index}`],
    ["first attempts of jobs with numbers", (index: number) => `${index}.1`],
    ["second attempts of the rows of a bulk run", (index: number) => `b0123456789-${index}.2`],
  ])("spreads %s evenly", (_, idOf) => {
    const BUCKETS = 20;
    const PER_BUCKET = 1000;
    const counts = new Array<number>(BUCKETS).fill(0);
    for (let index = 0; index < BUCKETS * PER_BUCKET; index++) {
      const bucket = Math.floor(jitterOf(idOf(index)) * BUCKETS);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    // Five standard deviations (√1000 ≈ 32) around the mean: nothing here is random, so it cannot flicker.
    expect(Math.min(...counts)).toBeGreaterThan(PER_BUCKET - 160);
    expect(Math.max(...counts)).toBeLessThan(PER_BUCKET + 160);
  });

  it("makes two attempts of one job wait differently", () => {
    const waits = Array.from({ length: 100 }, (_, job) =>
      [1, 2, 3].map((attempt) => jitterOf(`job-${job}.${attempt}`)),
    );
    expect(new Set(waits.flat()).size).toBe(300);
  });
});
