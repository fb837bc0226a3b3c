import fc from "fast-check";
import { expect, it } from "vitest";
import { claimJobs } from "../../../src/admission/claims.ts";
import { storeFeedback } from "../../../src/admission/feedback.ts";
import { controlKeys } from "../../../src/admission/keys.ts";
import type { FeedbackReply } from "../../../src/job/feedback.ts";
import type { SucceededResult } from "../../../src/job/generation-result.ts";
import { loadLuaScript } from "../../../src/platform/lua-script.ts";
import { readFeedback } from "../../../src/storage/feedback-reader.ts";
import { readUsage, type UsageDimension } from "../../../src/storage/usage-report.ts";
import {
  admitRequestOf,
  admissionOf,
  endOf,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  succeededRow,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";
import { expectBalancedBooks } from "../../support/usage-books.ts";

const DAY = "2026-11-23";
const { countersMs } = RETENTION;

type Place = Omit<TestNamespace, typeof Symbol.asyncDispose>;

async function finish(at: Place, id: string, changes: Partial<SucceededResult> = {}): Promise<void> {
  await admissionOf(at.redis, at.namespace).settle(endOf({ ...succeededRecord(id), ...changes }));
}

async function score(at: Place, id: string, given: number): Promise<FeedbackReply> {
  return await storeFeedback(at.redis, at.namespace, { id, score: given, countersMs });
}

/** `provider|model|counter` → value, those of feedback alone. */
async function countersIn(at: Place, key: string): Promise<Record<string, number>> {
  const fields = Object.entries(await at.redis.hgetall(key)).filter(([field]) => field.includes("|feedback"));
  return Object.fromEntries(fields.map(([field, value]) => [field, Number(value)]));
}

function counted(feedbackCount: number, feedbackMilli: number): Record<string, number> {
  return {
    "openai|gpt-6-luna|feedbackCount": feedbackCount,
    "openai|gpt-6-luna|feedbackMilli": feedbackMilli,
  };
}

it("a score is kept with the job and counted for who wrote the text, on the day of the result", async () => {
  await using at = await openNamespace();
  await finish(at, "a");
  expect(await score(at, "a", 0.8)).toBe("stored");
  expect(await at.redis.hget(at.keys.job("a"), "feedback")).toBe("800");
  expect(await countersIn(at, at.keys.usageDay(DAY))).toEqual(counted(1, 800));
  expect(await countersIn(at, at.keys.usageOfAgent(DAY, "ada"))).toEqual(counted(1, 800));
  expect(await at.redis.smembers(at.keys.usageAgents(DAY))).toEqual(["ada"]);
});

it("a second score replaces the first, and the same again changes nothing", async () => {
  await using at = await openNamespace();
  await finish(at, "a");
  await finish(at, "b");
  for (const given of [0.8, 0.25, 0.25, 1, 0, 0.001]) expect(await score(at, "a", given)).toBe("stored");
  await score(at, "b", 0.5);
  expect(await countersIn(at, at.keys.usageDay(DAY))).toEqual(counted(2, 501));
  expect(await countersIn(at, at.keys.usageOfAgent(DAY, "ada"))).toEqual(counted(2, 501));
});

it("two at once: one of them is the score, and the counters say so", async () => {
  await using at = await openNamespace();
  for (let round = 0; round < 20; round++) {
    const id = `job${round}`;
    await finish(at, id, { agentId: id });
    await using other = await openNamespace();
    const replies = await Promise.all([score(at, id, 0.2), score({ ...at, redis: other.redis }, id, 0.7)]);
    expect(replies).toEqual(["stored", "stored"]);
    const [kept] = await readFeedback(at.redis, at.namespace, [id]);
    expect([0.2, 0.7]).toContain(kept);
    expect(await countersIn(at, at.keys.usageOfAgent(DAY, id))).toEqual(counted(1, (kept ?? 0) * 1000));
  }
});

it("unknown: there is no such job, and nothing comes to be", async () => {
  await using at = await openNamespace();
  expect(await score(at, "a", 1)).toBe("unknown");
  expect(await at.redis.keys(`{${at.namespace}}:*`)).toEqual([]);
});

it("unfinished: it waits, or a worker is at it", async () => {
  await using at = await openNamespace();
  const job = { payloadHash: "p", lane: "l", snapshot: "s", agentId: "ada", kind: "tweet", rotates: false } as const;
  await claimJobs(at.redis, at.namespace, { requests: [{ id: "a", ...job }], lanes: new Map() });
  expect(await score(at, "a", 1)).toBe("unfinished");
  await admissionOf(at.redis, at.namespace).admit(admitRequestOf("a"));
  expect(await score(at, "a", 1)).toBe("unfinished");
  expect(await at.redis.hexists(at.keys.job("a"), "feedback")).toBe(0);
  expect(await at.redis.exists(at.keys.usageDay(DAY))).toBe(0);
});

it.each(["failed", "cancelled", "expired", "held"] as const)("no-text: it is %s", async (status) => {
  await using at = await openNamespace();
  await admissionOf(at.redis, at.namespace).settle(endOf(unsuccessfulRecord("a", status)));
  expect(await score(at, "a", 1)).toBe("no-text");
  expect(await at.redis.hexists(at.keys.job("a"), "feedback")).toBe(0);
  expect(await at.redis.exists(at.keys.usageDay(DAY))).toBe(0);
});

it("a result that came, or was replaced, after it was read is read again", async () => {
  await using at = await openNamespace();
  await finish(at, "a");
  const script = loadLuaScript(new URL("../../../src/admission/scripts/feedback.lua", import.meta.url));
  const keys = [at.keys.job("a"), at.keys.usageDay(DAY), at.keys.usageOfAgent(DAY, "ada"), at.keys.usageAgents(DAY)];
  for (const sha of ["", "0".repeat(40)]) {
    expect(await script.run(at.redis, keys, [sha, 800, "x|y|feedbackCount", "x|y|feedbackMilli", "ada", 1000])).toBe(
      "outdated",
    );
  }
  expect(await at.redis.hexists(at.keys.job("a"), "feedback")).toBe(0);
  expect(await at.redis.exists(at.keys.usageDay(DAY))).toBe(0);
});

it("against a worker that ends the job meanwhile, the score is stored for its result or too early", async () => {
  await using at = await openNamespace();
  await using other = await openNamespace();
  for (let round = 0; round < 20; round++) {
    const id = `job${round}`;
    await admissionOf(at.redis, at.namespace).admit(admitRequestOf(id));
    const [, reply] = await Promise.all([finish(at, id), score({ ...at, redis: other.redis }, id, 0.5)]);
    expect(["stored", "unknown"]).toContain(reply);
  }
  const scores = await readFeedback(
    at.redis,
    at.namespace,
    Array.from({ length: 20 }, (_, round) => `job${round}`),
  );
  const stored = scores.filter((one) => one !== null).length;
  expect(await countersIn(at, at.keys.usageDay(DAY))).toEqual(stored === 0 ? {} : counted(stored, stored * 500));
});

it("other counters and the usage rows stay as they are", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(admitRequestOf("a"));
  await admission.settle(settlementOf(succeededRow(intentOf("a")), { terminal: succeededRecord("a") }));
  const before = await expectBalancedBooks(at.redis, at.namespace);
  await score(at, "a", 0.6);
  expect(await expectBalancedBooks(at.redis, at.namespace)).toEqual(before);
});

it("counters that a score has made live as long as others do, and stay while a score can be replaced", async () => {
  await using at = await openNamespace();
  await finish(at, "a");
  await score(at, "a", 0.6);
  const keys = [at.keys.usageDay(DAY), at.keys.usageOfAgent(DAY, "ada"), at.keys.usageAgents(DAY)];
  const lives = async (): Promise<number[]> => await Promise.all(keys.map(async (key) => await at.redis.pttl(key)));
  for (const left of await lives()) {
    expect(left).toBeGreaterThan(RETENTION.resultsMs);
    expect(left).toBeLessThanOrEqual(countersMs);
  }
  for (const key of keys) await at.redis.pexpire(key, 1000);
  await score(at, "a", 0.1);
  const needed = await at.redis.pttl(at.keys.job("a"));
  for (const left of await lives()) expect(left).toBeGreaterThan(needed);
  expect(await countersIn(at, at.keys.usageDay(DAY))).toEqual(counted(1, 100));

  const long = Math.max(...(await lives())) + countersMs;
  for (const key of keys) await at.redis.pexpire(key, 2 * long);
  await score(at, "a", 0.2);
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(admitRequestOf("b"));
  await admission.settle(settlementOf(succeededRow(intentOf("b"))));
  for (const left of await lives()) expect(left, "nothing makes them shorter").toBeGreaterThan(long);
});

it("the report tells count and mean by every dimension, and null where nothing was scored", async () => {
  await using at = await openNamespace();
  const grok = { provider: "grok", model: "grok-4.3", agentId: "nori", finishedAt: Date.UTC(2026, 10, 24, 1) } as const;
  for (const id of ["a", "b"]) await finish(at, id);
  for (const id of ["c", "d"]) await finish(at, id, grok);
  await finish(at, "e", { ...grok, model: "grok-5" });
  const admission = admissionOf(at.redis, at.namespace);
  await admission.admit(admitRequestOf("f", { intent: intentOf("f", 1, { provider: "fake", agentId: "echo" }) }));
  await admission.settle(settlementOf(succeededRow(intentOf("f", 1, { provider: "fake", agentId: "echo" }))));
  const scores = { a: 1, b: 0.25, c: 0.5, d: 0, e: 0.1 };
  for (const [id, given] of Object.entries(scores)) await score(at, id, given);
  const told = async (by: UsageDimension): Promise<Record<string, unknown>> => {
    const rows = await readUsage(at.redis, at.namespace, { by, now: Date.UTC(2026, 10, 24, 20), days: 2 });
    return Object.fromEntries(rows.map(({ key, feedback }) => [key, feedback]));
  };
  const luna = { count: 2, mean: 0.625 };
  expect(await told("model")).toEqual({
    "openai/gpt-6-luna": luna,
    "grok/grok-4.3": { count: 2, mean: 0.25 },
    "grok/grok-5": { count: 1, mean: 0.1 },
    "fake/gpt-6-luna": null,
  });
  expect(await told("provider")).toEqual({ openai: luna, grok: { count: 3, mean: 0.2 }, fake: null });
  expect(await told("agent")).toEqual({ ada: luna, nori: { count: 3, mean: 0.2 }, echo: null });
  expect(await told("day")).toEqual({ "2026-11-23": luna, "2026-11-24": { count: 3, mean: 0.2 } });
});

it("scores are read in the order that was asked for, many at a time; null where there is none", async () => {
  await using at = await openNamespace();
  await finish(at, "a");
  await finish(at, "b");
  await score(at, "a", 0);
  await score(at, "b", 0.333);
  expect(await readFeedback(at.redis, at.namespace, ["b", "nobody", "a", "b"])).toEqual([0.333, null, 0, 0.333]);
  expect(await readFeedback(at.redis, at.namespace, [])).toEqual([]);
  const many = Array.from({ length: 1201 }, (_, index) => (index === 1200 ? "b" : "nobody"));
  expect(
    (await readFeedback(at.redis, at.namespace, many)).flatMap((one, index) => (one === null ? [] : index)),
  ).toEqual([1200]);
});

it("counters are the sum of the jobs' scores after any sequence of scores", async () => {
  await using test = await openNamespace();
  let runs = 0;
  const agentOf: Readonly<Record<string, string>> = { a: "ada", b: "ada", c: "orbit" };
  const scored = fc.record({ id: fc.constantFrom("a", "b", "c"), score: fc.double({ min: 0, max: 1, noNaN: true }) });
  await fc.assert(
    fc.asyncProperty(fc.array(scored, { maxLength: 20 }), async (given) => {
      const namespace = `${test.namespace}-${++runs}`;
      const at = { redis: test.redis, namespace, keys: controlKeys(namespace) };
      for (const [id, agentId] of Object.entries(agentOf)) await finish(at, id, { agentId });
      for (const one of given) await score(at, one.id, one.score);
      const last = new Map<string, number>(given.map((one) => [one.id, Math.round(one.score * 1000)]));
      const sumOf = (ids: readonly string[]): Record<string, number> => {
        const values = ids.flatMap((id) => last.get(id) ?? []);
        return values.length === 0
          ? {}
          : counted(
              values.length,
              values.reduce((sum, value) => sum + value, 0),
            );
      };
      expect(await countersIn(at, at.keys.usageDay(DAY))).toEqual(sumOf(["a", "b", "c"]));
      expect(await countersIn(at, at.keys.usageOfAgent(DAY, "ada"))).toEqual(sumOf(["a", "b"]));
      expect(await countersIn(at, at.keys.usageOfAgent(DAY, "orbit"))).toEqual(sumOf(["c"]));
    }),
    { numRuns: 60 },
  );
});
