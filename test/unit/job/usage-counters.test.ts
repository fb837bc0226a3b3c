import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countersOf,
  dayOf,
  formatCounterField,
  formatDoneField,
  hourOf,
  latencyBucket,
  latencyOfBucket,
  microUsdOfPico,
  parseCounterField,
  parseDoneField,
} from "../../../src/job/usage-counters.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";

const ROW: UsageRecord = {
  attemptId: "row-1.1",
  jobId: "row-1",
  attempt: 1,
  agentId: "ada",
  kind: "tweet",
  provider: "grok",
  model: "grok-4.3",
  keyId: null,
  member: 0,
  reservedMicroUsd: 0,
  request: "generate",
  outcome: "succeeded",
  sent: "yes",
  usage: {
    inputTokens: 12,
    outputTokens: 229,
    cachedInputTokens: 2,
    reasoningTokens: 228,
    estimated: false,
    raw: null,
  },
  costMicroUsd: 117.65,
  possiblyBilled: false,
  startedAt: Date.UTC(2026, 10, 23, 12),
  durationMs: 1500,
  status: 200,
  retryAfterMs: null,
  parameter: null,
  message: null,
  requestId: null,
};

function counters(differences: Partial<UsageRecord>): Record<string, number> {
  const { hourly, daily, distributions } = countersOf({ ...ROW, ...differences });
  const fields = [...hourly, ...daily, ...distributions];
  return Object.fromEntries(fields.map(([field, value]) => [parseCounterField(field).name, value]));
}

describe("countersOf", () => {
  it("counts a success by provider and model, by hour what matters there", () => {
    expect(countersOf(ROW)).toEqual({
      hourly: [
        ["grok|grok-4.3|requests", 1],
        ["grok|grok-4.3|inputTokens", 12],
        ["grok|grok-4.3|outputTokens", 229],
        ["grok|grok-4.3|costPicoUsd", 117_650_000],
      ],
      daily: [
        ["grok|grok-4.3|cachedInputTokens", 2],
        ["grok|grok-4.3|reasoningTokens", 228],
        ["grok|grok-4.3|durationMs", 1500],
      ],
      distributions: [["grok|grok-4.3|ms:42", 1]],
    });
  });

  it("counts a failure that cost nothing", () => {
    expect(counters({ outcome: "overloaded", usage: null, costMicroUsd: 0 })).toEqual({
      requests: 1,
      failures: 1,
      durationMs: 1500,
      "ms:42": 1,
      "outcome:overloaded": 1,
    });
  });

  it("counts what may have been billed twice: in the cost, and apart", () => {
    expect(counters({ outcome: "timeout", usage: null, costMicroUsd: 0.25, possiblyBilled: true })).toMatchObject({
      costPicoUsd: 250_000,
      possiblyBilledPicoUsd: 250_000,
    });
  });

  it("counts an attempt without a price apart, never as 0", () => {
    const unknown = counters({ costMicroUsd: null });
    expect(unknown).toMatchObject({ requests: 1, unpriced: 1 });
    expect(unknown).not.toHaveProperty("costPicoUsd");
    expect(counters({ costMicroUsd: 0 })).not.toHaveProperty("unpriced");
  });

  it("leaves the latency of a crash out: nobody measured it", () => {
    expect(counters({ outcome: "crashed", usage: null, durationMs: 0, possiblyBilled: true })).toEqual({
      requests: 1,
      failures: 1,
      costPicoUsd: 117_650_000,
      possiblyBilledPicoUsd: 117_650_000,
      "outcome:crashed": 1,
    });
  });

  it("gives Redis no number that it would refuse, whatever a vendor reports as its cost", () => {
    expect(counters({ costMicroUsd: 1e300 })["costPicoUsd"]).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("gives whole numbers for every price of at most six decimals per million tokens", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(5e6), (microUsdPerMtok, tokens) => {
        const costMicroUsd = Math.round((microUsdPerMtok / 1e6) * tokens * 1e6) / 1e6;
        const exact = BigInt(microUsdPerMtok) * BigInt(tokens);
        // A thousand USD for one attempt; above it, doubles have no room for the last digit.
        fc.pre(exact < 1e15);
        expect(BigInt(counters({ costMicroUsd })["costPicoUsd"] ?? 0)).toBe(exact);
      }),
    );
  });

  it("adds up exactly, where amounts in USD would not", () => {
    const sum = (rows: readonly Partial<UsageRecord>[]): bigint => {
      return rows.reduce((total, row) => total + BigInt(counters(row)["costPicoUsd"] ?? 0), 0n);
    };
    expect(sum(new Array(10).fill({ costMicroUsd: 0.1 }))).toBe(1_000_000n);
    fc.assert(
      fc.property(fc.array(fc.nat(1e12), { maxLength: 50 }), (picos) => {
        expect(sum(picos.map((pico) => ({ costMicroUsd: pico / 1e6 })))).toBe(
          picos.reduce((a, b) => a + BigInt(b), 0n),
        );
      }),
    );
  });
});

describe("a counter field", () => {
  it("keeps models with colons and slashes", () => {
    for (const model of ["ft:gpt-6-luna:acme::a1", "meta-llama/llama-4", "llama3:8b"]) {
      const field = { provider: "openai", model, name: "ms:42" };
      expect(parseCounterField(formatCounterField(field))).toEqual(field);
      const ofKind = { ...field, kind: "tweet" };
      expect(parseCounterField(formatCounterField(ofKind))).toEqual(ofKind);
    }
  });
});

describe("microUsdOfPico", () => {
  it.each([
    [0n, 0],
    [1n, 0.000001],
    [117_650_000n, 117.65],
    [1_000_000_000_000_001n, 1_000_000_000.000001],
  ])("%i pico-USD are %d micro-USD", (pico, micro) => {
    expect(microUsdOfPico(pico)).toBe(micro);
  });
});

describe("a latency", () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 4],
    [100, 27],
    [1000, 40],
    [30_000, 59],
    [600_000, 77],
  ])("of %i ms is counted in bucket %i", (durationMs, bucket) => {
    expect(latencyBucket(durationMs)).toBe(bucket);
  });

  it("is read back within 9 %, or half a millisecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_600_000 }), (durationMs) => {
        const error = Math.abs(latencyOfBucket(latencyBucket(durationMs)) - durationMs);
        expect(error).toBeLessThanOrEqual(durationMs * 0.0906 + 0.5);
      }),
    );
  });

  it("never falls into an earlier bucket than a shorter one", () => {
    fc.assert(
      fc.property(fc.nat(3_600_000), fc.nat(3_600_000), (a, b) => {
        expect(latencyBucket(Math.max(a, b))).toBeGreaterThanOrEqual(latencyBucket(Math.min(a, b)));
      }),
    );
  });
});

describe("a field of ended jobs", () => {
  it("is told from others", () => {
    const field = { kind: "tweet", status: "failed" } as const;
    expect(parseDoneField(formatDoneField(field))).toEqual(field);
    expect(parseDoneField("openai|gpt-6-luna|requests|tweet")).toBeNull();
  });
});

it("the hour of a row is that of UTC", () => {
  expect(hourOf(Date.parse("2026-11-23T23:59:59.999Z"))).toBe("2026-11-23T23");
  expect(hourOf(Date.parse("2026-11-24T01:30:00+02:00"))).toBe("2026-11-23T23");
});

describe("the day of a row", () => {
  it("is that of UTC, whatever the machine's time zone", () => {
    expect(dayOf(Date.parse("2026-11-23T23:59:59.999Z"))).toBe("2026-11-23");
    expect(dayOf(Date.parse("2026-11-24T00:00:00.000Z"))).toBe("2026-11-24");
    expect(dayOf(Date.parse("2026-11-24T01:30:00+02:00"))).toBe("2026-11-23");
    expect(dayOf(Date.parse("2028-02-29T12:00:00Z"))).toBe("2028-02-29");
    expect(dayOf(0)).toBe("1970-01-01");
  });
});
