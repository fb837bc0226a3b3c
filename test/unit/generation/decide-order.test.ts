import { describe, expect, it } from "vitest";
import {
  decide,
  type Candidate,
  type DecideInput,
  type Step,
  type Unavailable,
} from "../../../src/generation/decide.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { callOf, chainOf, historyOf, inputOf, POLICY, START, type Attempt } from "./decide-input.ts";

/* Who is called next: fail-over before all retries are spent, and pools of keys. */

const DOWN = { outcome: "overloaded", message: "busy" } as const;
const WORD = { outcome: "rate-limited", retryAfterMs: 15_000 } as const;

describe("a provider that has had its attempts before fail-over", () => {
  const policy = { ...POLICY, failOverAfter: 1 };
  /** Each attempt ended so long before `now`. */
  const ended = (...attempts: readonly (Attempt & { agoMs: number })[]): UsageRecord[] => {
    return historyOf(...attempts.map(({ agoMs, ...facts }) => ({ ...facts, startedAt: START - agoMs })));
  };
  const step = (history: readonly UsageRecord[], differences: Partial<DecideInput> = {}): Step =>
    decide(inputOf({ history, policy, now: START, ...differences }));
  const LONG = 60_000;

  it("stands behind the next one, also when its back-off is over", () => {
    expect(step(ended({ ...DOWN, agoMs: 0 }))).toEqual(callOf(1));
    expect(step(ended({ ...DOWN, agoMs: LONG }))).toEqual(callOf(1));
  });

  it("has its retries at once when there is no other", () => {
    expect(step(ended({ ...DOWN, agoMs: 0 }), { chain: chainOf("a") })).toMatchObject({ do: "retry" });
    expect(step(ended({ ...DOWN, agoMs: LONG }), { chain: chainOf("a") })).toEqual(callOf(0));
  });

  it("is retried when the next one is in its back-off, or cannot be called", () => {
    expect(step(ended({ ...DOWN, agoMs: LONG }, { ...DOWN, member: 1, agoMs: 0 }))).toEqual(callOf(0));
    const history = ended({ ...DOWN, agoMs: LONG }, { outcome: "certificate", member: 1, agoMs: 0 });
    expect(step(history)).toEqual(callOf(0));
    expect(step(ended({ ...DOWN, agoMs: 0 }, { outcome: "certificate", member: 1, agoMs: 0 }))).toMatchObject({
      do: "retry",
    });
  });

  it.each<[Unavailable["why"], number]>([
    ["limit", START + 2000],
    ["quota-exhausted", START + 2000],
    ["paused", Infinity],
    ["too-large", Infinity],
    ["not-configured", Infinity],
  ])("is retried when the next one is unavailable: %s", (why, untilAt) => {
    const unavailable = new Map([[1, { untilAt, why }]]);
    expect(step(ended({ ...DOWN, agoMs: LONG }), { unavailable })).toEqual(callOf(0));
  });

  it("lets the job wait for whoever can be called first", () => {
    const limited = new Map<number, Unavailable>([[1, { untilAt: START + 1, why: "limit" }]]);
    const history = ended({ ...DOWN, agoMs: 0 });
    expect(step(history, { unavailable: limited })).toEqual({ do: "wait", untilAt: START + 1 });
    const later = new Map<number, Unavailable>([[1, { untilAt: START + 50_000, why: "limit" }]]);
    expect(step(history, { unavailable: later })).toMatchObject({ do: "retry" });
    const failed = ended({ ...DOWN, agoMs: 0 }, { ...DOWN, member: 1, agoMs: 0 });
    const steps = chainOf("a", "b").map((_, member) => {
      return step(
        failed.filter((row) => row.member === member),
        { unavailable: new Map([[1 - member, { untilAt: Infinity, why: "too-large" }]]) },
      );
    });
    const soonest = Math.min(...steps.map((one) => (one.do === "retry" ? one.afterMs : Infinity)));
    expect(step(failed)).toEqual({ do: "retry", afterMs: soonest });
  });

  it("is still called for all of its attempts, and no more", () => {
    const history = ended(
      ...[0, 1, 0, 1, 0, 1].map((member, index) => ({ ...DOWN, member, agoMs: LONG * (10 - index) })),
    );
    expect([1, 2, 3, 4, 5].map((calls) => step(history.slice(0, calls)))).toEqual([
      callOf(1),
      // Both could be called: the one that has failed over stays with the fall-back.
      callOf(1),
      callOf(1),
      callOf(1),
      callOf(1),
    ]);
    expect(step(history)).toMatchObject({ do: "give-up", status: "failed" });
    const fallBackSpent = ended(
      { ...DOWN, agoMs: LONG },
      ...[1, 1, 1].map((member) => ({ ...DOWN, member, agoMs: LONG })),
    );
    expect(step(fallBackSpent)).toEqual(callOf(0));
  });

  it("waits for the vendor's word behind the others, too", () => {
    const history = ended({ ...DOWN, agoMs: LONG }, { ...WORD, agoMs: 0 });
    expect(step(history)).toEqual(callOf(1));
    expect(step(history, { chain: chainOf("a") })).toEqual({ do: "wait", untilAt: START + 15_000 });
  });

  it("is left for good at once when it cannot work", () => {
    const history = ended({ ...DOWN, agoMs: LONG }, { outcome: "model-not-found", agoMs: 0 });
    expect(step(history)).toEqual(callOf(1));
  });

  it("fails over after two when the policy says two", () => {
    const two = { policy: { ...POLICY, failOverAfter: 2 } };
    expect(step(ended({ ...DOWN, agoMs: LONG }), two)).toEqual(callOf(0));
    expect(step(ended({ ...DOWN, agoMs: LONG }, { ...DOWN, agoMs: LONG }), two)).toEqual(callOf(1));
  });

  it.each([3, 4])("is retried first when all of its attempts, or more, come before fail-over (%i)", (failOverAfter) => {
    const input = { policy: { ...POLICY, failOverAfter } };
    expect(step(ended({ ...DOWN, agoMs: LONG }, { ...DOWN, agoMs: LONG }), input)).toEqual(callOf(0));
    expect(step(ended(...[1, 2, 3].map(() => ({ ...DOWN, agoMs: LONG }))), input)).toEqual(callOf(1));
  });

  it("does not get round the most calls of a job", () => {
    const out = { policy: { ...policy, maxCalls: 2 } };
    const history = ended({ ...DOWN, agoMs: LONG }, { ...DOWN, member: 1, agoMs: 0 });
    expect(step(history, out)).toEqual({
      do: "give-up",
      status: "failed",
      reason: "2 calls were made for this job, the most allowed; a/m: overloaded (busy); b/m: overloaded (busy)",
    });
  });

  it("names who was not asked because the calls were used up", () => {
    const out = { policy: { ...policy, maxCalls: 2 } };
    expect(step(ended({ ...DOWN, agoMs: LONG }, { ...DOWN, agoMs: LONG }), out)).toMatchObject({
      reason: "2 calls were made for this job, the most allowed; a/m: overloaded (busy); b/m: not asked any more",
    });
  });

  it("waits for a budget rather than for the next provider", () => {
    const history = ended({ ...DOWN, agoMs: 0 });
    const reserved = (untilAt: number, waitLeftMs: number): Partial<DecideInput> => {
      return { waitLeftMs, unavailable: new Map([[1, { untilAt, why: "budget-reserved" }]]) };
    };
    expect(step(history, reserved(START + 1, 1))).toEqual({ do: "wait", untilAt: START + 1 });
    expect(step(history, reserved(START + 2, 1))).toEqual({
      do: "give-up",
      status: "failed",
      reason: "b/m: not before 2026-11-23T12:00:00.002Z (budget-reserved); a/m: overloaded (busy)",
    });
  });
});

describe("a provider with several keys", () => {
  const chain = (keys: number, ...others: readonly string[]): Candidate[] => {
    return [{ provider: "a", model: "m", contextTokens: null, keys, limitGroups: keys }, ...chainOf(...others)];
  };
  const step = (keys: number, attempts: readonly Attempt[], differences: Partial<DecideInput> = {}): Step =>
    decide(inputOf({ chain: chain(keys, "b"), history: historyOf(...attempts), now: START, ...differences }));

  describe.each(["authentication", "quota-exhausted"] as const)("%s", (outcome) => {
    const refused = (keyId: string | null): Attempt => ({ outcome, keyId });

    it("is asked again at once with another key, until each was refused", () => {
      expect(step(3, [refused("k1")])).toEqual(callOf(0));
      expect(step(3, [refused("k1"), refused("k2")])).toEqual(callOf(0));
      expect(step(3, [refused("k1"), refused("k2"), refused("k3")])).toEqual(callOf(1));
    });

    it("counts the same key once, and rows without a key each", () => {
      expect(step(2, [refused("k1"), refused("k1")])).toEqual(callOf(0));
      expect(step(2, [refused(null), refused(null)])).toEqual(callOf(1));
    });

    it("spends no attempt", () => {
      const once = { policy: { ...POLICY, attempts: 1, failOverAfter: 1 } };
      expect(step(4, [refused("k1"), refused("k2"), refused("k3")], once)).toEqual(callOf(0));
    });
  });

  it("counts keys that are out of money and keys that are refused together", () => {
    const history: Attempt[] = [
      { outcome: "authentication", keyId: "k1" },
      { outcome: "quota-exhausted", keyId: "k2" },
    ];
    expect(step(2, history)).toEqual(callOf(1));
    expect(step(2, history, { chain: chain(2) })).toEqual({
      do: "give-up",
      status: "failed",
      reason: "a/m: quota-exhausted",
    });
  });

  it.each(["certificate", "model-not-found", "request-too-large"] as const)(
    "%s is the same for all keys",
    (outcome) => {
      expect(step(2, [{ outcome, keyId: "k1" }])).toEqual(callOf(1));
    },
  );

  it("that share one limit waits as with a single key when it is met", () => {
    const shared = { chain: [{ ...chain(3)[0], limitGroups: 1 } as Candidate, ...chainOf("b")] };
    expect(step(3, [{ outcome: "rate-limited" }], shared)).toMatchObject({ do: "retry" });
    expect(step(3, [WORD], shared)).toMatchObject({ do: "wait" });
    expect(step(3, [{ outcome: "authentication", keyId: "k1" }], shared)).toEqual(callOf(0));
  });

  it("that is rate-limited is called again at once: ADMIT picks another key, or says when", () => {
    expect(step(2, [WORD])).toEqual(callOf(0));
    expect(step(2, [WORD, WORD, WORD, WORD])).toEqual(callOf(0));
    const unavailable = new Map<number, Unavailable>([[0, { untilAt: START + 9000, why: "rate-limited" }]]);
    expect(step(2, [WORD, WORD], { unavailable })).toEqual({ do: "wait", untilAt: START + 9000 });
  });

  it("spends an attempt on rate limits without a time once every key has met one", () => {
    const silent: Attempt = { outcome: "rate-limited" };
    expect(step(2, [silent])).toEqual(callOf(0));
    expect(step(2, [silent, silent])).toMatchObject({ do: "retry" });
    expect(step(2, [silent, silent, silent])).toEqual(callOf(0));
    expect(step(2, [silent, silent, silent, silent])).toMatchObject({ do: "retry" });
    const spent = new Array<Attempt>(6).fill(silent);
    expect(step(2, spent)).toEqual(callOf(1));
  });

  it("leaves calls for the next provider", () => {
    const calls = (count: number): Attempt[] => new Array<Attempt>(count).fill(WORD);
    expect(step(20, calls(8))).toEqual(callOf(0));
    expect(step(20, calls(9))).toEqual(callOf(1));
    expect(step(20, calls(11), { chain: chain(20) })).toEqual(callOf(0));
    const refused = calls(9).map((_, index): Attempt => ({ outcome: "authentication", keyId: `k${index}` }));
    expect(step(20, refused.slice(0, 8))).toEqual(callOf(0));
    expect(step(20, refused)).toEqual(callOf(1));
  });

  it("is retried like any other after other failures", () => {
    expect(step(2, [DOWN])).toMatchObject({ do: "retry" });
    expect(step(2, [DOWN, DOWN, DOWN])).toEqual(callOf(1));
  });
});

it("a provider that refuses another parameter each time leaves calls for the next one", () => {
  const refused = Array.from({ length: 11 }, (_, index) => `p${index}`).map((parameter): Attempt => ({
    outcome: "unsupported-parameter",
    parameter,
  }));
  expect(decide(inputOf({ history: historyOf(...refused.slice(0, 8)) }))).toMatchObject({ do: "call", member: 0 });
  expect(decide(inputOf({ history: historyOf(...refused.slice(0, 9)) }))).toEqual(callOf(1));
  const alone = { history: historyOf(...refused), chain: chainOf("a") };
  expect(decide(inputOf(alone))).toMatchObject({ do: "call", member: 0 });
});
