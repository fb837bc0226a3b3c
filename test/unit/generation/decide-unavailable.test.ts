import { describe, expect, it } from "vitest";
import { decide, type DecideInput, type Step, type Unavailable } from "../../../src/generation/decide.ts";
import { callOf, chainOf, failed, historyOf, inputOf, rowOf, START, type Attempt } from "./decide-input.ts";

/* What ADMIT says instead of granting a call, reason by reason, and what a job's deadline changes. */

const AGAIN = callOf(0);
const NEXT = callOf(1);

describe("why a provider cannot be called now, and what is done instead", () => {
  const until = START + 50_000;
  const at = "2026-11-23T12:00:50.000Z";
  const because = (why: Unavailable["why"], detail?: string): Partial<DecideInput> => {
    return { unavailable: new Map([[0, { untilAt: until, why, ...(detail === undefined ? {} : { detail }) }]]) };
  };
  const WAIT: Step = { do: "wait", untilAt: until };
  const expired = (reason: string): Step => ({ do: "give-up", status: "expired", reason });

  // What is done when the wait fits; with a fall-back when it does not fit; alone when it does not fit.
  it.each<[Unavailable["why"], Step, Step, Step]>([
    ["rate-limited", WAIT, NEXT, expired(`a/m: paused until ${at} (rate-limited)`)],
    ["limit", WAIT, NEXT, expired(`a/m: not before ${at} (limit)`)],
    ["first-answer", WAIT, NEXT, expired(`a/m: not before ${at} (first-answer)`)],
    ["circuit-open", NEXT, NEXT, expired(`a/m: paused until ${at} (circuit-open)`)],
    ["overloaded", NEXT, NEXT, expired(`a/m: paused until ${at} (overloaded)`)],
    ["certificate", NEXT, NEXT, expired(`a/m: paused until ${at} (certificate)`)],
    ["authentication", NEXT, NEXT, expired(`a/m: paused until ${at} (authentication)`)],
    ["quota-exhausted", NEXT, NEXT, expired(`a/m: paused until ${at} (quota-exhausted)`)],
    ["model-not-found", NEXT, NEXT, expired(`a/m: paused until ${at} (model-not-found)`)],
    [
      "budget-reserved",
      WAIT,
      failed(`a/m: not before ${at} (budget-reserved)`),
      failed(`a/m: not before ${at} (budget-reserved)`),
    ],
    ["paused", NEXT, NEXT, { do: "hold", why: "a/m: paused by an operator" }],
    ["too-large", NEXT, NEXT, failed("a/m: the request is larger than its limits")],
    ["not-configured", NEXT, NEXT, failed("a/m: not configured on this worker")],
    ["budget", failed("its budget is spent"), failed("its budget is spent"), failed("its budget is spent")],
  ])("%s", (why, fitting, tooLong, alone) => {
    expect(decide(inputOf(because(why)))).toEqual(fitting);
    expect(decide(inputOf({ ...because(why), waitLeftMs: 10_000 }))).toEqual(tooLong);
    expect(decide(inputOf({ ...because(why), waitLeftMs: 10_000, chain: chainOf("a") }))).toEqual(alone);
  });

  it.each(["circuit-open", "authentication", "limit", "first-answer"] as const)(
    "%s: without a fall-back it is waited for, and called when that is over",
    (why) => {
      expect(decide(inputOf({ ...because(why), chain: chainOf("a") }))).toEqual(WAIT);
      expect(decide(inputOf({ ...because(why), now: until }))).toEqual(AGAIN);
    },
  );

  it("says more when ADMIT does", () => {
    const budget = "the budget of agent ada is spent: 2 of 2 USD";
    const history = [rowOf({ outcome: "overloaded", member: 1 })];
    expect(decide(inputOf(because("budget", budget)))).toEqual(failed(budget));
    expect(decide(inputOf({ ...because("budget", budget), history }))).toEqual(failed(`${budget}; b/m: overloaded`));
    expect(decide(inputOf({ ...because("too-large", "9000 tokens, 8000 a minute"), chain: chainOf("a") }))).toEqual(
      failed("a/m: 9000 tokens, 8000 a minute"),
    );
    expect(decide(inputOf({ ...because("budget-reserved", "budget global"), waitLeftMs: 0 }))).toEqual(
      failed(`a/m: not before ${at} (budget global)`),
    );
    expect(decide(inputOf({ ...because("paused", "all is paused"), chain: chainOf("a") }))).toEqual({
      do: "hold",
      why: "a/m: all is paused",
    });
  });

  it("budget: ends the job wherever in the chain it is met, even after another provider failed", () => {
    const history = historyOf(...new Array<Attempt>(3).fill({ outcome: "overloaded" }));
    const unavailable = new Map<number, Unavailable>([[1, { untilAt: Infinity, why: "budget", detail: "spent" }]]);
    expect(decide(inputOf({ history, unavailable, chain: chainOf("a", "b", "c") }))).toEqual(
      failed("spent; a/m: overloaded"),
    );
  });

  it("paused: the job is held only when nobody else can be called, retried or awaited", () => {
    const operator: Unavailable = { untilAt: Infinity, why: "paused" };
    const both = (other: Unavailable): Partial<DecideInput> => {
      return {
        unavailable: new Map([
          [0, operator],
          [1, other],
        ]),
      };
    };
    const held = (why: string): Step => ({ do: "hold", why: `a/m: paused by an operator; b/m: ${why}` });
    expect(decide(inputOf(both(operator)))).toEqual(held("paused by an operator"));
    expect(decide(inputOf(both({ untilAt: until, why: "quota-exhausted" })))).toEqual(WAIT);
    expect(decide(inputOf({ ...both({ untilAt: until, why: "quota-exhausted" }), waitLeftMs: 0 }))).toEqual(
      held(`paused until ${at} (quota-exhausted)`),
    );
    const unavailable = new Map([[0, operator]]);
    const history = [rowOf({ outcome: "overloaded", member: 1 })];
    expect(decide(inputOf({ unavailable, history, now: START }))).toMatchObject({ do: "retry" });
    const refused = [rowOf({ outcome: "model-not-found", member: 1 })];
    expect(decide(inputOf({ unavailable, history: refused }))).toEqual(held("model-not-found"));
  });

  it("paused: what can never be called is not held for", () => {
    const unavailable = new Map<number, Unavailable>([[0, { untilAt: Infinity, why: "paused" }]]);
    const history = [rowOf({ outcome: "certificate" })];
    expect(decide(inputOf({ unavailable, history, chain: chainOf("a") }))).toEqual(failed("a/m: certificate"));
  });
});

describe("a deadline", () => {
  const deadlineAt = START + 30_000;
  const iso = "2026-11-23T12:00:30.000Z";
  const tooLate = (reasons: string): Step => {
    return {
      do: "give-up",
      status: "expired",
      reason: `its deadline ${iso} comes before the next attempt; ${reasons}`,
    };
  };
  const isOver = (...failures: string[]): Step => {
    return { do: "give-up", status: "expired", reason: [`its deadline ${iso} is over`, ...failures].join("; ") };
  };

  it("lets calls begin until it is over", () => {
    expect(decide(inputOf({ deadlineAt, now: deadlineAt - 1 }))).toEqual(AGAIN);
    expect(decide(inputOf({ deadlineAt, now: deadlineAt }))).toEqual(isOver());
  });

  it("ends the job with what failed before", () => {
    const history = historyOf({ outcome: "overloaded", message: "busy" }, { outcome: "timeout", member: 1 });
    expect(decide(inputOf({ deadlineAt, history, now: deadlineAt }))).toEqual(
      isOver("a/m: overloaded (busy)", "b/m: timeout"),
    );
  });

  it("does not make a failure of our own an expiry", () => {
    const history = [rowOf({ outcome: "invalid-request" })];
    expect(decide(inputOf({ deadlineAt, history, now: deadlineAt }))).toEqual(failed("a/m: invalid-request"));
  });

  it("comes before a retry: the fall-back is asked, or the job expires", () => {
    const history = [rowOf({ outcome: "overloaded", message: "busy", retryAfterMs: 30_000 })];
    const input = inputOf({ deadlineAt, history, now: START });
    expect(decide(input)).toEqual(NEXT);
    expect(decide({ ...input, deadlineAt: deadlineAt + 1 })).toEqual({ do: "retry", afterMs: 30_000 });
    expect(decide({ ...input, chain: chainOf("a") })).toEqual(
      tooLate(`a/m: overloaded (busy), to be retried at ${iso}`),
    );
  });

  it("comes before the time that the vendor says", () => {
    const history = [rowOf({ outcome: "rate-limited", retryAfterMs: 30_000 })];
    const input = inputOf({ deadlineAt, history, now: START });
    expect(decide(input)).toEqual(NEXT);
    expect(decide({ ...input, deadlineAt: deadlineAt + 1 })).toEqual({ do: "wait", untilAt: deadlineAt });
    expect(decide({ ...input, chain: chainOf("a") })).toEqual(tooLate(`a/m: rate-limited until ${iso}`));
  });

  it.each<[Unavailable["why"], Step, string]>([
    ["limit", NEXT, `a/m: not before ${iso} (limit)`],
    ["first-answer", NEXT, `a/m: not before ${iso} (first-answer)`],
    ["circuit-open", NEXT, `a/m: paused until ${iso} (circuit-open)`],
    ["quota-exhausted", NEXT, `a/m: paused until ${iso} (quota-exhausted)`],
    [
      "budget-reserved",
      tooLate(`a/m: not before ${iso} (budget-reserved)`),
      `a/m: not before ${iso} (budget-reserved)`,
    ],
  ])("comes before %s is over", (why, withFallBack, alone) => {
    const input = inputOf({ deadlineAt, unavailable: new Map([[0, { untilAt: deadlineAt, why }]]) });
    expect(decide(input)).toEqual(withFallBack);
    expect(decide({ ...input, chain: chainOf("a") })).toEqual(tooLate(alone));
    expect(decide({ ...input, chain: chainOf("a"), deadlineAt: deadlineAt + 1 })).toEqual({
      do: "wait",
      untilAt: deadlineAt,
    });
  });

  it("is not blamed for a wait that the job may not make anyway", () => {
    const unavailable = new Map<number, Unavailable>([[0, { untilAt: START + 600_000, why: "quota-exhausted" }]]);
    const history = [rowOf({ outcome: "certificate", member: 1 })];
    expect(decide(inputOf({ deadlineAt, unavailable, history }))).toEqual(
      failed("a/m: paused until 2026-11-23T12:10:00.000Z (quota-exhausted); b/m: certificate"),
    );
  });
});
