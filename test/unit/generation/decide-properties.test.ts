import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Candidate, type Unavailable } from "../../../src/generation/decide.ts";
import { RECOVERY } from "../../../src/generation/recovery.ts";
import type { AttemptOutcome, UsageRecord } from "../../../src/job/usage-record.ts";
import type { ProviderErrorKind } from "../../../src/providers/provider-error.ts";
import { chainOf, inputOf, POLICY, rowOf, START } from "./decide-input.ts";
import { simulate, type Answer, type Call, type Scenario, type Story } from "./simulate.ts";

const RUNS = { numRuns: 3000 };
const MINUTE_MS = 60_000;

const ERRORS = Object.keys(RECOVERY) as ProviderErrorKind[];
const REFUSES_KEY: ReadonlySet<AttemptOutcome> = new Set(["quota-exhausted", "authentication"]);
const FINAL: ReadonlySet<AttemptOutcome> = new Set([
  "request-too-large",
  "certificate",
  "model-not-found",
  "invalid-request",
  "context-too-long",
  "content-filtered",
]);
const MAY_BE_BILLED: ReadonlySet<AttemptOutcome> = new Set(["timeout", "disconnected"]);
const SPENDS: ReadonlySet<AttemptOutcome> = new Set(["overloaded", "network", "invalid-response", ...MAY_BE_BILLED]);

const outcome = fc.constantFrom<AttemptOutcome[]>(...ERRORS, "crashed", "succeeded");
const clockJumpMs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -10 * MINUTE_MS, max: 10 * MINUTE_MS }) },
);
const waitMs = fc.oneof(fc.nat(100), fc.nat(20_000), fc.nat(30 * MINUTE_MS));
const pause = fc.record({
  member: fc.nat(3),
  forMs: waitMs,
  why: fc.constantFrom<Unavailable["why"][]>(
    ...(["rate-limited", "quota-exhausted", "overloaded", "limit", "first-answer", "circuit-open"] as const),
    ...(["paused", "budget-reserved", "too-large", "budget"] as const),
  ),
});

const answer: fc.Arbitrary<Answer> = fc.record({
  outcome,
  durationMs: fc.nat(30_000),
  retryAfterMs: fc.option(waitMs),
  parameter: fc.option(fc.constantFrom("stop", "top_p", "temperature")),
  clockJumpMs,
  pause: fc.option(pause, { freq: 5 }),
});

const contextTokens = fc.constantFrom(null, 8_000, 32_000, 400_000);
const keys = fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 3 }));
/** Whether a vendor limits the keys of a pool apart. */
const apart = fc.boolean();

const scenario: fc.Arbitrary<Scenario> = fc
  .array(fc.tuple(contextTokens, keys, apart), { minLength: 1, maxLength: 4 })
  .chain((members) =>
    fc.record({
      chain: fc.constant(
        members.map(([tokens, pool, isApart], index): Candidate => ({
          provider: `p${index}`,
          model: "m",
          contextTokens: tokens,
          keys: pool,
          limitGroups: isApart ? pool : 1,
        })),
      ),
      unconfigured: fc.subarray([...members.keys()].slice(1)),
      policy: fc.record({
        attempts: fc.integer({ min: 1, max: 4 }),
        failOverAfter: fc.integer({ min: 1, max: 4 }),
        maxCalls: fc.oneof(fc.constant(12), fc.integer({ min: 1, max: 12 })),
        backoff: fc.record({ baseMs: fc.integer({ min: 1, max: 2000 }), capMs: fc.integer({ min: 1, max: 10_000 }) }),
        failOverOnContentFilter: fc.boolean(),
      }),
      maxWaitMs: fc.constantFrom(0, MINUTE_MS, 15 * MINUTE_MS, 24 * 60 * MINUTE_MS),
      deadlineMs: fc.oneof(fc.constant(null), waitMs),
      answers: fc.array(answer, { maxLength: 14 }),
      lastAnswer: answer,
    }),
  );

/** Plays random scenarios and checks each story. */
function always(check: (story: Story, scenario: Scenario) => void): void {
  fc.assert(
    fc.property(scenario, (given) => {
      check(simulate(given), given);
    }),
    RUNS,
  );
}

/** The calls of each member, how many keys it has, and how many limits they have. */
function callsPerMember({ calls }: Story, { chain }: Scenario): { calls: Call[]; keys: number; limits: number }[] {
  const members = Map.groupBy(calls, ({ row }) => row.member);
  return [...members].map(([member, own]) => {
    return { calls: own, keys: chain[member]?.keys ?? 0, limits: chain[member]?.limitGroups ?? 0 };
  });
}

/** A rate limit without a time spends an attempt once each of a pool's limits has been met. */
function spentBy(calls: readonly Call[], limits: number): number {
  const limited = count(calls, (row) => row.outcome === "rate-limited" && !isFree(row));
  return count(calls, ({ outcome: ended }) => SPENDS.has(ended)) + Math.floor(limited / limits);
}

function refusedKeys(calls: readonly Call[]): number {
  return new Set(calls.filter(({ row }) => REFUSES_KEY.has(row.outcome)).map(({ row }) => row.keyId)).size;
}

function isFree({ outcome: ended, retryAfterMs }: UsageRecord): boolean {
  return ended === "crashed" || ended === "aborted" || (ended === "rate-limited" && retryAfterMs !== null);
}

function count(calls: readonly Call[], test: (row: UsageRecord) => boolean): number {
  return calls.filter(({ row }) => test(row)).length;
}

describe("whatever providers answer, whatever happens to workers and clocks", () => {
  it("every job ends, within 12 calls", () => {
    always(({ calls }, { policy }) => {
      expect(calls.length).toBeLessThanOrEqual(policy.maxCalls);
    });
  });

  it("a provider gets no more calls than failures may spend, plus those that its answers ask for", () => {
    always((story, given) => {
      for (const { calls, keys: pool, limits } of callsPerMember(story, given)) {
        expect(spentBy(calls, limits)).toBeLessThanOrEqual(given.policy.attempts);
        expect(count(calls, (row) => MAY_BE_BILLED.has(row.outcome))).toBeLessThanOrEqual(2);
        expect(count(calls, (row) => row.outcome === "truncated-empty")).toBeLessThanOrEqual(2);
        const parameters = calls.flatMap(({ row }) => (row.parameter === null ? [] : [row.parameter]));
        expect(count(calls, (row) => row.outcome === "unsupported-parameter")).toBeLessThanOrEqual(
          new Set(parameters).size + 1,
        );
        expect(count(calls, (row) => FINAL.has(row.outcome))).toBeLessThanOrEqual(1);
        if (pool === 1) expect(count(calls, (row) => REFUSES_KEY.has(row.outcome))).toBeLessThanOrEqual(1);
      }
    });
  });

  it("a provider that cannot help is never called again", () => {
    always((story, given) => {
      for (const { calls, keys: pool, limits } of callsPerMember(story, given)) {
        calls.slice(0, -1).forEach(({ row }, index) => {
          const soFar = calls.slice(0, index + 1);
          expect(FINAL.has(row.outcome)).toBe(false);
          expect(row.outcome === "truncated-empty" && row.request === "recover").toBe(false);
          expect(spentBy(soFar, limits)).toBeLessThan(given.policy.attempts);
          expect(count(soFar, ({ outcome: ended }) => MAY_BE_BILLED.has(ended))).toBeLessThan(2);
          expect(refusedKeys(soFar)).toBeLessThan(pool);
        });
      }
    });
  });

  it("a provider is never called before the time that it asked the same key for", () => {
    always(({ calls }) => {
      for (const ofKey of Map.groupBy(calls, ({ row }) => row.keyId).values()) {
        ofKey.slice(1).forEach(({ trueAt }, index) => {
          const earlier = ofKey[index] as Call;
          expect(trueAt).toBeGreaterThanOrEqual(earlier.trueEndAt + (earlier.row.retryAfterMs ?? 0));
        });
      }
    });
  });

  it("a provider that this worker has no key for is never called", () => {
    always(({ calls }, { unconfigured }) => {
      for (const { row } of calls) expect(unconfigured).not.toContain(row.member);
    });
  });

  it("our own faults never fail over, refusals only if asked", () => {
    always(({ calls }, { policy }) => {
      const last = calls.length - 1;
      expect(calls.findIndex(({ row }) => row.outcome === "invalid-request")).oneOf([-1, last]);
      if (policy.failOverOnContentFilter) return;
      expect(calls.findIndex(({ row }) => row.outcome === "content-filtered")).oneOf([-1, last]);
    });
  });

  it("a prompt that was too long goes only where there is more room", () => {
    always(({ calls }, { chain }) => {
      calls.forEach(({ row }, index) => {
        if (row.outcome !== "context-too-long") return;
        const tooSmall = chain[row.member]?.contextTokens ?? Infinity;
        for (const later of calls.slice(index + 1))
          expect(chain[later.row.member]?.contextTokens ?? 0).toBeGreaterThan(tooSmall);
      });
    });
  });

  it("a call leaves out what its provider refused, and nothing else", () => {
    always((story, given) => {
      for (const { calls } of callsPerMember(story, given)) {
        calls.forEach(({ omit }, index) => {
          const refused = calls.slice(0, index).flatMap(({ row }) => (row.parameter === null ? [] : [row.parameter]));
          expect(omit).toEqual(refused);
        });
      }
    });
  });

  it("retries come within the cap or when the vendor says, and a clock that is set makes no storm of them", () => {
    always(({ calls, pauses }, { policy, chain, answers, lastAnswer }) => {
      for (const { step, callsBefore } of pauses) {
        if (step.do !== "retry") continue;
        const asked = calls.slice(0, callsBefore).map(({ row }) => row.retryAfterMs ?? 0);
        expect(step.afterMs).toBeGreaterThan(0);
        expect(step.afterMs).toBeLessThanOrEqual(Math.max(policy.backoff.capMs, ...asked));
      }
      // Before each call: a wait or a back-off for each key, and once more where clocks differ a little, or were set.
      const pools = chain.reduce((sum, candidate) => sum + candidate.keys, 0);
      for (const [callsBefore, before] of Map.groupBy(pauses, (pause) => pause.callsBefore)) {
        const sets = calls.slice(0, callsBefore).filter((_, index) => (answers[index] ?? lastAnswer).clockJumpMs !== 0);
        expect(before.length).toBeLessThanOrEqual(2 * pools + sets.length);
      }
    });
  });

  it("waits are finite, in the future, and within what the job may wait", () => {
    always(({ pauses }) => {
      for (const { step, decidedAt, waitLeftMs } of pauses) {
        if (step.do !== "wait") continue;
        expect(step.untilAt - decidedAt).toBeGreaterThan(0);
        expect(step.untilAt - decidedAt).toBeLessThanOrEqual(waitLeftMs);
      }
    });
  });

  it("a job that ends without a text says why, naming each provider that was called", () => {
    always(({ calls, end }) => {
      if (end.do === "succeed") return;
      for (const { row } of calls) expect(end.reason).toContain(`p${row.member}/m: `);
      const isLate = end.reason.startsWith("its deadline 2026-");
      if (end.status === "expired" && !isLate) expect(calls.every(({ row }) => isFree(row))).toBe(true);
      if (isLate) expect(end.status).toBe("expired");
    });
  });

  it("no call is begun once the deadline is over, and nothing waits beyond it", () => {
    always(({ calls, pauses }, { deadlineMs }) => {
      const deadlineAt = deadlineMs === null ? Infinity : START + deadlineMs;
      for (const { decidedAt } of calls) expect(decidedAt).toBeLessThan(deadlineAt);
      for (const { step, decidedAt } of pauses) {
        expect(step.do === "wait" ? step.untilAt : decidedAt + step.afterMs).toBeLessThan(deadlineAt);
      }
    });
  });

  it("a job is held once at most for each time that an operator pauses something", () => {
    always(({ holds, calls }, { answers, lastAnswer }) => {
      const meanwhile = calls.map((_, index) => (answers[index] ?? lastAnswer).pause?.why);
      expect(holds).toBeLessThanOrEqual(meanwhile.filter((why) => why === "paused").length);
    });
  });
});

describe("decide", () => {
  it("gives the same step for the same input, and changes nothing in it", () => {
    fc.assert(
      fc.property(
        scenario,
        fc.nat(24 * 60 * MINUTE_MS),
        ({ chain, policy, answers, maxWaitMs, deadlineMs }, laterMs) => {
          const history = answers.map((given, index) => rowOf({ ...given, member: index % chain.length }, index + 1));
          const deadlineAt = deadlineMs === null ? null : START + deadlineMs;
          const input = inputOf({ chain, policy, history, waitLeftMs: maxWaitMs, deadlineAt, now: START + laterMs });
          const before = structuredClone(input);
          expect(decide(input)).toEqual(decide(before));
          expect(input).toEqual(before);
        },
      ),
      RUNS,
    );
  });

  it("reaches a healthy fall-back, whatever keeps the providers before it from answering", () => {
    const down = fc.constantFrom<AttemptOutcome[]>(
      ...ERRORS.filter((kind) => RECOVERY[kind].failOver === "yes" && kind !== "rate-limited"),
    );
    fc.assert(
      fc.property(fc.array(down, { minLength: 1, maxLength: 3 }), (outcomes) => {
        const members = [...outcomes.keys(), outcomes.length];
        const answers = outcomes.flatMap((ended) => {
          const often = SPENDS.has(ended) ? (MAY_BE_BILLED.has(ended) ? 2 : 3) : ended === "truncated-empty" ? 2 : 1;
          return new Array<Answer>(often).fill(quick(ended));
        });
        const story = simulate({
          chain: chainOf(...members.map((member) => `p${member}`)),
          unconfigured: [],
          policy: POLICY,
          maxWaitMs: MINUTE_MS,
          deadlineMs: null,
          answers,
          lastAnswer: quick("succeeded"),
        });
        expect(story.end).toEqual({ do: "succeed" });
        expect(story.calls.at(-1)?.row.member).toBe(outcomes.length);
        expect(story.calls).toHaveLength(answers.length + 1);
      }),
    );
  });

  it("makes one call on a failing primary when it is to fail over after one, and the fall-back is healthy", () => {
    const down = fc.constantFrom<AttemptOutcome[]>(...SPENDS, "rate-limited");
    fc.assert(
      fc.property(down, fc.integer({ min: 2, max: 4 }), (ended, attempts) => {
        const story = simulate({
          chain: chainOf("p0", "p1"),
          unconfigured: [],
          policy: { ...POLICY, attempts, failOverAfter: 1 },
          maxWaitMs: MINUTE_MS,
          deadlineMs: null,
          answers: [quick(ended)],
          lastAnswer: quick("succeeded"),
        });
        expect(story.calls.map(({ row }) => row.member)).toEqual([0, 1]);
        expect(story.pauses).toEqual([]);
      }),
    );
  });

  it("loses no retries, whenever it fails over", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        (attempts, failOverAfter, length) => {
          const chain = chainOf(...Array.from({ length }, (_, member) => `p${member}`));
          const story = simulate({
            chain,
            unconfigured: [],
            policy: { ...POLICY, attempts, failOverAfter },
            maxWaitMs: 0,
            deadlineMs: null,
            answers: [],
            lastAnswer: quick("overloaded"),
          });
          const calls = chain.map((_, member) => count(story.calls, (row) => row.member === member));
          expect(calls).toEqual(chain.map(() => attempts));
        },
      ),
    );
  });
});

function quick(ended: AttemptOutcome): Answer {
  return { outcome: ended, durationMs: 5, retryAfterMs: null, parameter: null, clockJumpMs: 0, pause: null };
}
