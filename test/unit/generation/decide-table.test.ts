import { describe, expect, it } from "vitest";
import { backoff, jitterOf } from "../../../src/generation/backoff.ts";
import { decide, type DecideInput, type Step } from "../../../src/generation/decide.ts";
import { RECOVERY } from "../../../src/generation/recovery.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { callOf, chainOf, failed, historyOf, inputOf, POLICY, rowOf, START, type Attempt } from "./decide-input.ts";

/* "What each answer means", row by row: after a failure on the first of two providers, once every wait is over. */

const AGAIN = callOf(0);
const NEXT = callOf(1);

function after(...attempts: readonly Attempt[]): Step {
  return decide(inputOf({ history: historyOf(...attempts) }));
}

it("calls the first provider first", () => {
  expect(decide(inputOf())).toEqual(AGAIN);
});

describe("429, rate-limited, slow down", () => {
  const limited = { outcome: "rate-limited", retryAfterMs: 5000 } as const;

  it("waits as long as the vendor says", () => {
    expect(decide(inputOf({ history: [rowOf(limited)], now: START + 1000 }))).toEqual({
      do: "wait",
      untilAt: START + 5000,
    });
    expect(decide(inputOf({ history: [rowOf(limited)], now: START + 5000 }))).toEqual(AGAIN);
  });

  it("counts the wait from the answer, not from the question", () => {
    const history = [rowOf({ ...limited, durationMs: 700 })];
    expect(decide(inputOf({ history, now: START + 800 }))).toEqual({ do: "wait", untilAt: START + 5700 });
  });

  it("spends no attempt, but leaves calls for the next provider", () => {
    expect(after(...new Array<Attempt>(8).fill(limited))).toEqual(AGAIN);
    expect(after(...new Array<Attempt>(9).fill(limited))).toEqual(NEXT);
    const history = historyOf(...new Array<Attempt>(11).fill(limited));
    expect(decide(inputOf({ history, chain: chainOf("a") }))).toEqual(AGAIN);
  });

  it("fails over when the wait is longer than the job can wait", () => {
    const history = [rowOf({ ...limited, retryAfterMs: 61_000 })];
    expect(decide(inputOf({ history, now: START }))).toEqual(NEXT);
    expect(decide(inputOf({ history, now: START, waitLeftMs: 61_000 }))).toEqual({
      do: "wait",
      untilAt: START + 61_000,
    });
  });

  it("expires when nobody is left and nothing failed", () => {
    const history = [rowOf({ ...limited, retryAfterMs: 61_000 })];
    expect(decide(inputOf({ history, now: START, chain: chainOf("a") }))).toEqual({
      do: "give-up",
      status: "expired",
      reason: "a/m: rate-limited until 2026-11-23T12:01:01.000Z",
    });
  });

  it("fails when nobody is left and something did fail", () => {
    const history = historyOf({ outcome: "overloaded" }, { ...limited, retryAfterMs: 61_000 });
    expect(decide(inputOf({ history, now: START, chain: chainOf("a") }))).toMatchObject({ status: "failed" });
  });

  it("without the vendor's word backs off and spends attempts", () => {
    const silent = { outcome: "rate-limited" } as const;
    expect(decide(inputOf({ history: [rowOf(silent)], now: START }))).toMatchObject({ do: "retry" });
    expect(after(silent, silent)).toEqual(AGAIN);
    expect(after(silent, silent, silent)).toEqual(NEXT);
  });
});

describe.each(["request-too-large", "certificate", "authentication", "model-not-found", "quota-exhausted"] as const)(
  "%s",
  (outcome) => {
    it("is never asked again, the next provider is asked at once", () => {
      expect(decide(inputOf({ history: [rowOf({ outcome })], now: START }))).toEqual(NEXT);
    });

    it("fails the job when nobody is left, with the vendor's words", () => {
      const history = [rowOf({ outcome, message: "No." })];
      expect(decide(inputOf({ history, chain: chainOf("a") }))).toEqual(failed(`a/m: ${outcome} (No.)`));
    });
  },
);

it("leaves a provider alone that cannot work before somebody acts", () => {
  const paused = Object.entries(RECOVERY).filter(([, { pauses }]) => pauses !== null);
  expect(paused.map(([kind, { pauses }]) => [kind, pauses])).toEqual([
    ["certificate", "limit-group"],
    ["refused-address", "limit-group"],
    ["quota-exhausted", "credential"],
    ["authentication", "credential"],
    ["model-not-found", "limit-group"],
  ]);
});

it("counts only the provider's own trouble for its health", () => {
  const counted = Object.entries(RECOVERY).filter(([, { countsForBreaker }]) => countsForBreaker);
  expect(counted.map(([kind]) => kind)).toEqual([
    "overloaded",
    "network",
    "disconnected",
    "timeout",
    "invalid-response",
  ]);
});

describe("400 unsupported parameter", () => {
  const refused = (parameter: string | null): Attempt => ({ outcome: "unsupported-parameter", parameter });

  it("is asked again at once without the named parameter", () => {
    expect(decide(inputOf({ history: [rowOf(refused("stop"))], now: START }))).toEqual({ ...AGAIN, omit: ["stop"] });
  });

  it("drops one parameter after the other, and keeps them dropped after other failures", () => {
    expect(after(refused("stop"), refused("top_p"))).toEqual({ ...AGAIN, omit: ["stop", "top_p"] });
    expect(after(refused("stop"), { outcome: "overloaded" })).toEqual({ ...AGAIN, omit: ["stop"] });
  });

  it("fails over when the parameter was dropped and is refused again, or none is named", () => {
    expect(after(refused("stop"), refused("stop"))).toEqual(NEXT);
    expect(after(refused(null))).toEqual(NEXT);
  });

  it("lets every provider have its own", () => {
    const history = historyOf(refused("stop"), refused("stop"), { ...refused("top_p"), member: 1 });
    expect(decide(inputOf({ history }))).toEqual({ ...NEXT, omit: ["top_p"] });
  });
});

describe("another 400, 413, 422", () => {
  it("fails the job: it is our fault and would fail there too", () => {
    expect(after({ outcome: "invalid-request", message: "messages: too many" })).toEqual(
      failed("a/m: invalid-request (messages: too many)"),
    );
  });
});

describe("context too long", () => {
  const chain = [
    { provider: "a", model: "m", contextTokens: 8000, keys: 1, limitGroups: 1 },
    { provider: "b", model: "m", contextTokens: 8000, keys: 1, limitGroups: 1 },
    { provider: "c", model: "m", contextTokens: null, keys: 1, limitGroups: 1 },
    { provider: "d", model: "m", contextTokens: 32_000, keys: 1, limitGroups: 1 },
  ];
  const history = [rowOf({ outcome: "context-too-long" })];

  it("fails over to the first provider that is known to have more room", () => {
    expect(decide(inputOf({ history, chain }))).toEqual({ ...AGAIN, member: 3 });
  });

  it("fails when there is none, and says so of each", () => {
    expect(decide(inputOf({ history, chain: chain.slice(0, 3) }))).toEqual(
      failed("a/m: context-too-long; b/m: its context is not larger; c/m: its context is not larger"),
    );
  });

  it("fails over nowhere when the context of the one that refused is not known", () => {
    const unknown = [{ provider: "x", model: "m", contextTokens: null, keys: 1, limitGroups: 1 }, ...chain];
    expect(decide(inputOf({ history, chain: unknown }))).toMatchObject({ do: "give-up", status: "failed" });
  });

  it("never returns to a smaller one after a larger one failed", () => {
    const later = historyOf({ outcome: "context-too-long" }, { outcome: "certificate", member: 3 });
    expect(decide(inputOf({ history: later, chain }))).toEqual(
      failed("a/m: context-too-long; b/m: its context is not larger; c/m: its context is not larger; d/m: certificate"),
    );
  });
});

describe("content filter, refusal", () => {
  const history = [rowOf({ outcome: "content-filtered", message: "refused" })];

  it("ends the job", () => {
    expect(decide(inputOf({ history }))).toEqual(failed("a/m: content-filtered (refused)"));
  });

  it("asks the next provider only if the operator wants that", () => {
    expect(decide(inputOf({ history, policy: { ...POLICY, failOverOnContentFilter: true } }))).toEqual(NEXT);
  });
});

describe.each(["overloaded", "network", "invalid-response"] as const)("%s", (outcome) => {
  it("is retried after a full-jitter back-off that grows", () => {
    for (const spent of [1, 2]) {
      const history = historyOf(...new Array<Attempt>(spent).fill({ outcome }));
      const afterMs = backoff(spent, jitterOf(`job.${spent}`), POLICY.backoff);
      expect(decide(inputOf({ history, now: START }))).toEqual({ do: "retry", afterMs });
      expect(decide(inputOf({ history, now: START + afterMs - 1 }))).toEqual({ do: "retry", afterMs: 1 });
      expect(decide(inputOf({ history, now: START + afterMs }))).toEqual(AGAIN);
    }
  });

  it("is tried as often as the policy says, then the next provider", () => {
    expect(after({ outcome }, { outcome })).toEqual(AGAIN);
    expect(after({ outcome }, { outcome }, { outcome })).toEqual(NEXT);
    const once = { ...POLICY, attempts: 1 };
    expect(decide(inputOf({ history: [rowOf({ outcome })], policy: once }))).toEqual(NEXT);
  });
});

describe("overloaded, and the vendor says for how long", () => {
  const busy = (retryAfterMs: number): Attempt => ({ outcome: "overloaded", retryAfterMs, message: "busy" });
  const at = (retryAfterMs: number, differences: Partial<DecideInput> = {}): Step =>
    decide(inputOf({ history: [rowOf(busy(retryAfterMs))], now: START, ...differences }));

  it("is retried then, and not before the back-off either", () => {
    expect(at(30_000)).toEqual({ do: "retry", afterMs: 30_000 });
    expect(at(30_000, { now: START + 29_999 })).toEqual({ do: "retry", afterMs: 1 });
    expect(at(30_000, { now: START + 30_000 })).toEqual(AGAIN);
    expect(at(1)).toEqual({ do: "retry", afterMs: backoff(1, jitterOf("job.1"), POLICY.backoff) });
  });

  it("spends attempts all the same", () => {
    expect(after(busy(1), busy(1), busy(1))).toEqual(NEXT);
  });

  it("is failed over from when that is longer than the job can wait", () => {
    expect(at(61_000)).toEqual(NEXT);
    expect(at(61_000, { chain: chainOf("a") })).toEqual(failed("a/m: overloaded (busy)"));
    expect(at(9000, { waitLeftMs: 0 })).toEqual({ do: "retry", afterMs: 9000 });
  });
});

describe.each(["timeout", "disconnected"] as const)("%s after sending", (outcome) => {
  it("is retried once at most, because it may have been billed", () => {
    expect(after({ outcome })).toEqual(AGAIN);
    expect(after({ outcome }, { outcome })).toEqual(NEXT);
  });

  it("counts together with the other kind, and not with failures that cost nothing", () => {
    expect(after({ outcome }, { outcome: "timeout" })).toEqual(NEXT);
    expect(after({ outcome: "overloaded" }, { outcome })).toEqual(AGAIN);
  });
});

describe("finish reason length with empty text", () => {
  const empty = { outcome: "truncated-empty" } as const;
  const recover: Step = { ...AGAIN, request: "recover" };

  it("is asked once more at once, with a larger cap", () => {
    expect(decide(inputOf({ history: [rowOf(empty)], now: START }))).toEqual(recover);
  });

  it("fails over when that was empty too", () => {
    expect(after(empty, { ...empty, request: "recover" })).toEqual(NEXT);
  });

  it("keeps the larger cap after another failure, and drops it for the next provider", () => {
    expect(after(empty, { outcome: "overloaded", request: "recover" })).toEqual(recover);
    expect(after(empty, { outcome: "certificate", request: "recover" })).toEqual(NEXT);
  });

  it.each(["aborted", "crashed"] as const)("repeats the larger call when our side ended it (%s)", (outcome) => {
    expect(after(empty, { outcome, request: "recover" })).toEqual(recover);
  });
});

describe("our own side", () => {
  it.each(["aborted", "crashed"] as const)("%s: the call is made again, nothing is spent", (outcome) => {
    expect(decide(inputOf({ history: [rowOf({ outcome })], now: START }))).toEqual(AGAIN);
    expect(after({ outcome: "overloaded" }, { outcome }, { outcome: "overloaded" }, { outcome })).toEqual(AGAIN);
  });

  it("does not forget what the vendor said before", () => {
    expect(after({ outcome: "quota-exhausted" }, { outcome: "aborted", member: 1 })).toEqual(NEXT);
  });

  it("skips a provider that this worker has no key for", () => {
    const unavailable = new Map([[0, { untilAt: Infinity, why: "not-configured" as const }]]);
    expect(decide(inputOf({ unavailable }))).toEqual(NEXT);
    expect(decide(inputOf({ unavailable, chain: chainOf("a") }))).toEqual(failed("a/m: not configured on this worker"));
  });
});

describe("a provider that is paused", () => {
  const until = START + 50_000;
  const paused = (why: "rate-limited" | "quota-exhausted") => new Map([[0, { untilAt: until, why }]]);

  it("is waited for when it is only rate-limited", () => {
    expect(decide(inputOf({ unavailable: paused("rate-limited") }))).toEqual({ do: "wait", untilAt: until });
  });

  it("is failed over from at once when it is out of money", () => {
    expect(decide(inputOf({ unavailable: paused("quota-exhausted") }))).toEqual(NEXT);
  });

  it("is waited for when nobody else is left, as long as the job can wait", () => {
    const unavailable = paused("quota-exhausted");
    const history = [rowOf({ outcome: "invalid-response", member: 1 })];
    const out = { ...POLICY, attempts: 1 };
    expect(decide(inputOf({ unavailable, history, policy: out }))).toEqual({ do: "wait", untilAt: until });
    expect(decide(inputOf({ unavailable, history, policy: out, waitLeftMs: 10_000 }))).toEqual(
      failed("a/m: paused until 2026-11-23T12:00:50.000Z (quota-exhausted); b/m: invalid-response"),
    );
  });

  it("waits for the one that comes back first", () => {
    const unavailable = new Map([
      [0, { untilAt: START + 40_000, why: "quota-exhausted" as const }],
      [1, { untilAt: START + 30_000, why: "quota-exhausted" as const }],
    ]);
    expect(decide(inputOf({ unavailable }))).toEqual({ do: "wait", untilAt: START + 30_000 });
  });

  it("expires the job when all are paused for too long and nothing failed", () => {
    const step = decide(inputOf({ unavailable: paused("rate-limited"), chain: chainOf("a"), waitLeftMs: 1000 }));
    expect(step).toEqual({
      do: "give-up",
      status: "expired",
      reason: "a/m: paused until 2026-11-23T12:00:50.000Z (rate-limited)",
    });
  });

  it("is called again when the pause is over", () => {
    expect(decide(inputOf({ unavailable: paused("quota-exhausted"), now: until }))).toEqual(AGAIN);
  });
});

describe("the end of a chain", () => {
  const down = (member: number): Attempt[] => {
    return [1, 2, 3].map(() => ({ outcome: "overloaded", member, message: "HTTP 500" }));
  };

  it("names the reason per provider", () => {
    expect(after(...down(0), ...down(1))).toEqual(
      failed("a/m: overloaded after 3 attempts (HTTP 500); b/m: overloaded after 3 attempts (HTTP 500)"),
    );
  });

  it("is reached after 12 calls whatever is left to try, and still names the reason per provider", () => {
    const limited = { outcome: "rate-limited", retryAfterMs: 1, message: "slow down" } as const;
    const history = [...down(0), ...new Array<Attempt>(9).fill({ ...limited, member: 1 })];
    expect(after(...history)).toEqual(
      failed(
        "12 calls were made for this job, the most allowed; a/m: overloaded (HTTP 500); b/m: rate-limited (slow down)",
      ),
    );
    expect(after(...history.slice(0, 11))).toEqual(NEXT);
  });
});

describe("a clock that was set back by ten minutes, or a worker whose clock is behind", () => {
  const now = START - 600_000;
  const setBack = (facts: Attempt): Step => decide(inputOf({ history: [rowOf(facts)], now }));

  it("does not retry over and over until the old time is reached again", () => {
    expect(setBack({ outcome: "overloaded" })).toEqual(AGAIN);
  });

  it("does not wait ten minutes for a vendor that said five seconds", () => {
    expect(setBack({ outcome: "rate-limited", retryAfterMs: 5000 })).toEqual(AGAIN);
  });

  it("waits small differences out, never longer than the cap", () => {
    const behind = { now: START - POLICY.backoff.capMs };
    expect(decide(inputOf({ history: [rowOf({ outcome: "overloaded" })], ...behind }))).toEqual({
      do: "retry",
      afterMs: POLICY.backoff.capMs,
    });
    expect(decide(inputOf({ history: [rowOf({ outcome: "rate-limited", retryAfterMs: 5000 })], ...behind }))).toEqual({
      do: "wait",
      untilAt: START + 5000,
    });
  });
});

it("has a rule for every outcome of a row", () => {
  const outcomes: UsageRecord["outcome"][] = [...(Object.keys(RECOVERY) as (keyof typeof RECOVERY)[]), "crashed"];
  for (const outcome of outcomes) expect(after({ outcome })).toBeDefined();
});

describe("a provider that was only waited for", () => {
  const limited = { outcome: "rate-limited", retryAfterMs: 70_000 } as const;
  const later = { now: START + 70_000 };

  it("is called when its time has come and the others failed", () => {
    const history = historyOf(limited, { outcome: "certificate", member: 1 });
    expect(decide(inputOf({ history, ...later }))).toEqual(AGAIN);
  });

  it.each(["invalid-request", "content-filtered"] as const)("is not called after %s elsewhere", (outcome) => {
    const history = historyOf({ ...limited, message: "slow down" }, { outcome, member: 1 });
    expect(decide(inputOf({ history, ...later }))).toEqual(failed(`a/m: rate-limited (slow down); b/m: ${outcome}`));
  });

  it("is not called with a prompt that did not fit a larger context", () => {
    const chain = [
      { provider: "a", model: "m", contextTokens: 8000, keys: 1, limitGroups: 1 },
      { provider: "b", model: "m", contextTokens: 32_000, keys: 1, limitGroups: 1 },
    ];
    const history = historyOf(limited, { outcome: "context-too-long", member: 1 });
    expect(decide(inputOf({ history, chain, ...later }))).toEqual(
      failed("a/m: its context is not larger; b/m: context-too-long"),
    );
  });
});
