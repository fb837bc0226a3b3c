import { expect, it } from "vitest";
import { controlKeys } from "../../../src/admission/keys.ts";
import type { AdmissionPolicy } from "../../../src/admission/limit-policy.ts";
import type { Admission, AdmitReply } from "../../../src/admission/admission.ts";
import type { LimitReport } from "../../../src/providers/provider.ts";
import {
  TARGET,
  admissionOf,
  admitRequestOf,
  failedRow,
  intentOf,
  limitedTo,
  losingFirstReply,
  openNamespace,
  openSeenNamespace,
  reportOf,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";

/*
 * Rates are so low that the time a test takes plays no part: at 10 a minute with a burst of 60 s the buckets hold 9.6
 * calls, and the next one comes 6 s later.
 */
const NINE_AT_ONCE = { requestsPerMinute: 10, burstSeconds: 60 };

function gates(at: TestNamespace, policy: AdmissionPolicy, workers = 1): Admission[] {
  return Array.from({ length: workers }, (_, index) =>
    admissionOf(at.redis, at.namespace, { workerId: `worker-${index}`, policy }),
  );
}

/** Asks for so many jobs at once, in turn through all gates. */
async function askFor(count: number, admissions: readonly Admission[], changes = {}): Promise<AdmitReply[]> {
  const ids = Array.from({ length: count }, (_, index) => `${Math.random().toString(36).slice(2)}-${index}`);
  return await Promise.all(
    ids.map((id, index) => (admissions[index % admissions.length] as Admission).admit(admitRequestOf(id, changes))),
  );
}

function granted(replies: readonly AdmitReply[]): number {
  return replies.filter(({ answer }) => answer === "granted").length;
}

function answersOf(replies: readonly AdmitReply[]): string[] {
  return [...new Set(replies.map((reply) => ("why" in reply ? `${reply.answer} ${reply.why}` : reply.answer)))].sort();
}

it("grants just under a burst at once, however many processes ask, and tells the others to come back", async () => {
  await using at = await openSeenNamespace();
  const replies = await askFor(30, gates(at, limitedTo(NINE_AT_ONCE), 4));
  expect(granted(replies)).toBe(9);
  expect(answersOf(replies)).toEqual(["granted", "unavailable limit"]);
  for (const reply of replies) {
    if (reply.answer === "granted") expect(reply.slotInMs).toBe(0);
    if (reply.answer === "unavailable") expect(reply.forMs).toBeGreaterThan(100);
  }
});

it("before the first answer half of a burst is held back: the configured limit may not be the vendor's", async () => {
  await using at = await openNamespace();
  const gate = gates(at, limitedTo(NINE_AT_ONCE));
  const replies = await askFor(30, gate);
  expect(granted(replies)).toBe(5);
  const [first] = replies;
  if (first?.answer !== "granted") throw new Error("not granted");
  await gate[0]?.settle(settlementOf(succeededRow(first.intent), { report: reportOf(first) }));
  expect(granted(await askFor(30, gate)), "the rest of it").toBe(4);
});

it("grants slots a second ahead and no further, one after the other", async () => {
  await using at = await openSeenNamespace();
  // A call every 200 ms, and no burst: after the one that may go at once, five fit into the second.
  const replies = await askFor(40, gates(at, limitedTo({ requestsPerMinute: 300, burstSeconds: 0.1 })));
  const slots = replies.flatMap((reply) => (reply.answer === "granted" ? [reply.slotInMs] : []));
  expect(slots.length).toBeGreaterThanOrEqual(5);
  expect(Math.max(...slots)).toBeLessThanOrEqual(1000);
  const sorted = slots.toSorted((a, b) => a - b);
  expect(slots, "in the order in which they asked").toEqual(sorted);
  for (const [index, slot] of slots.slice(1).entries()) {
    const before = slots[index] as number;
    if (before > 0)
      expect(slot - before, "a fifth of a second apart, less what passed while asking").toBeGreaterThan(100);
  }
});

it.each([
  ["tokens together", { tokensPerMinute: 480 }, 9],
  ["input tokens", { inputTokensPerMinute: 400 }, 9],
  ["output tokens", { outputTokensPerMinute: 80 }, 9],
  ["requests and tokens, the tighter counts", { requestsPerMinute: 10, tokensPerMinute: 240 }, 4],
  ["requests and output tokens, the tighter counts", { requestsPerMinute: 5, outputTokensPerMinute: 80 }, 4],
  ["requests a second, without any burst", { requestsPerSecond: 0.1 }, 1],
])("counts %s", async (_, limits, expected) => {
  await using at = await openSeenNamespace();
  expect(granted(await askFor(20, gates(at, limitedTo({ burstSeconds: 60, ...limits }))))).toBe(expected);
});

it("an entry for the model wins over one for the whole provider", async () => {
  await using at = await openSeenNamespace();
  const [whole] = limitedTo(NINE_AT_ONCE).limits;
  const [own] = limitedTo({ model: "gpt-6-luna", requestsPerMinute: 3, burstSeconds: 60 }).limits;
  if (whole === undefined || own === undefined) throw new Error("no limits");
  const policy = { ...limitedTo({}), limits: [whole, own] };
  expect(granted(await askFor(20, gates(at, policy)))).toBe(2);
});

it("counts days apart: what is over the day's limit waits for its end", async () => {
  await using at = await openSeenNamespace();
  const gate = gates(at, limitedTo({ requestsPerDay: 3 }));
  const replies = await askFor(5, gate);
  expect(granted(replies)).toBe(3);
  const [later] = replies.filter((reply) => reply.answer === "unavailable");
  expect(later?.answer === "unavailable" && later.forMs).toBeLessThanOrEqual(24 * 3600_000);
  await at.redis.hset(at.keys.limitGroup(TARGET.limitGroup), "day", "2020-01-01");
  expect(granted(await askFor(5, gate)), "another day").toBe(3);
});

it("refuses at once what is larger than a whole limit, and says both sizes", async () => {
  await using at = await openSeenNamespace();
  const [gate] = gates(at, limitedTo({ tokensPerMinute: 1000 })) as [Admission];
  const tokens = { inputTokens: 1200, outputTokens: 8, isGuess: false, inputBytes: 4800 };
  expect(await gate.admit(admitRequestOf("a", { tokens }))).toEqual({
    answer: "refused",
    why: "too-large",
    detail: "it needs about 1208 tokens, and the limit is 1000 tokens per minute",
  });
  expect(await at.redis.exists(at.keys.intents("worker-0"))).toBe(0);
});

it("a vendor that counts the cap is told the cap", async () => {
  await using at = await openSeenNamespace();
  // 40 + 280 tokens of each call count instead of 40 + 8.
  const policy = limitedTo({ tokensPerMinute: 3200, burstSeconds: 60, tokensCounted: "cap" });
  expect(granted(await askFor(20, gates(at, policy)))).toBe(9);
});

it("what was reserved and not used comes back, and what was used beyond it is taken", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo({ tokensPerMinute: 480, burstSeconds: 60 });
  const [gate] = gates(at, policy) as [Admission];
  const usage = { cachedInputTokens: 0, reasoningTokens: 0, estimated: false, raw: null };
  const settle = async (id: string, inputTokens: number): Promise<void> => {
    const grant = await gate.admit(
      admitRequestOf(id, { tokens: { inputTokens: 232, outputTokens: 8, isGuess: false, inputBytes: 160 } }),
    );
    const row = succeededRow(intentOf(id), { usage: { inputTokens, outputTokens: 8, ...usage } });
    await gate.settle(settlementOf(row, { report: reportOf(grant) }));
  };
  // 240 of the 460 were reserved, 48 used: eight more calls of 48 fit.
  await settle("a", 40);
  expect(granted(await askFor(20, [gate]))).toBe(8);

  await using elsewhere = await openSeenNamespace();
  const [other] = gates(elsewhere, policy) as [Admission];
  const grant = await other.admit(admitRequestOf("b"));
  const row = succeededRow(intentOf("b"), { usage: { inputTokens: 232, outputTokens: 8, ...usage } });
  await other.settle(settlementOf(row, { report: reportOf(grant) }));
  expect(granted(await askFor(20, [other])), "240 were used, not 48").toBe(4);
});

it("a worker that has seen no such call reserves what the group's calls use on average, and a tenth more output", async () => {
  await using at = await openSeenNamespace();
  const [gate] = gates(at, limitedTo({ tokensPerMinute: 480, burstSeconds: 60 })) as [Admission];
  const grant = await gate.admit(admitRequestOf("a"));
  // Of 40 + 8 tokens.
  await gate.settle(settlementOf(succeededRow(intentOf("a")), { report: reportOf(grant) }));
  const guess = { inputTokens: 60, outputTokens: 280, isGuess: true, inputBytes: 80 };
  const next = await gate.admit(admitRequestOf("b", { tokens: guess }));
  expect(next).toMatchObject({ answer: "granted", reserved: { inputTokens: 20, outputTokens: 9 } });
});

it("a grant that was told twice tells what was reserved, not what was asked for", async () => {
  await using at = await openSeenNamespace();
  await at.redis.hset(at.keys.limitGroup(TARGET.limitGroup), { meanInputPerByte: 0.25, meanOutput: 20 });
  const policy = limitedTo({ tokensPerMinute: 480_000 });
  const gate = admissionOf(losingFirstReply(at.redis), at.namespace, { policy });
  const guess = { inputTokens: 60, outputTokens: 280, isGuess: true, inputBytes: 80 };
  const grant = await gate.admit(admitRequestOf("a", { tokens: guess }));
  expect(grant).toMatchObject({ answer: "granted", reserved: { inputTokens: 20, outputTokens: 22 } });
});

it("a call that the vendor never saw gives everything back", async () => {
  await using at = await openSeenNamespace();
  const [gate] = gates(at, limitedTo(NINE_AT_ONCE)) as [Admission];
  const grant = await gate.admit(admitRequestOf("a"));
  const row = failedRow(intentOf("a"), { outcome: "network", sent: "no" });
  await gate.settle(settlementOf(row, { report: reportOf(grant, { health: "bad" }) }));
  expect(granted(await askFor(20, [gate]))).toBe(9);
});

it("a grant that is withdrawn leaves nothing behind", async () => {
  await using at = await openSeenNamespace();
  const [gate] = gates(at, limitedTo(NINE_AT_ONCE)) as [Admission];
  const grant = await gate.admit(admitRequestOf("a"));
  if (grant.answer !== "granted") throw new Error(grant.answer);
  await gate.withdraw(grant);
  expect(await at.redis.hgetall(at.keys.job("a"))).toEqual({ attempts: "0" });
  expect(await at.redis.exists(at.keys.intents("worker-0"))).toBe(0);
  expect(granted(await askFor(20, [gate]))).toBe(9);
  await gate.withdraw(grant);
  expect(await gate.admit(admitRequestOf("a")), "a second time it takes nothing from anybody").toMatchObject({
    answer: "unavailable",
  });
});

it("a repeated request whose reply was lost reserves once", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo(NINE_AT_ONCE);
  const gate = admissionOf(losingFirstReply(at.redis), at.namespace, { policy });
  expect(await gate.admit(admitRequestOf("a"))).toMatchObject({ answer: "granted", slotInMs: 0, target: 0 });
  expect(granted(await askFor(20, [gate]))).toBe(8);
});

const MINUTE_MS = 60_000;

function told(counts: LimitReport["counts"], limit: number, remaining: number | null = null): LimitReport {
  return { counts, limit, periodMs: MINUTE_MS, remaining };
}

/** Lets one call through that is told these limits. */
async function learn(gate: Admission, limits: readonly LimitReport[], id = "first"): Promise<void> {
  const grant = await gate.admit(admitRequestOf(id));
  await gate.settle(settlementOf(succeededRow(intentOf(id)), { report: reportOf(grant, { limits }) }));
}

it("with no limit known one call is under way until the first answer shows it", async () => {
  await using at = await openNamespace();
  const gate = gates(at, limitedTo({ burstSeconds: 60 }));
  const [first, ...others] = await askFor(10, gate);
  expect(first?.answer).toBe("granted");
  expect(answersOf(others)).toEqual(["unavailable first-answer"]);
  if (first?.answer !== "granted") throw new Error("not granted");
  const row = succeededRow(first.intent);
  await gate[0]?.settle(settlementOf(row, { report: reportOf(first, { limits: [told("requests", 10)] }) }));
  expect(granted(await askFor(20, gate)), "ten a minute, one of which is used").toBe(9);
});

it("an answer that tells no limit leaves none", async () => {
  await using at = await openNamespace();
  const [gate] = gates(at, limitedTo({})) as [Admission];
  await learn(gate, []);
  expect(granted(await askFor(100, [gate]))).toBe(100);
});

it.each([
  // The call that learned it was counted at the configured rate, as a tenth.
  ["the headers'", 100, 10, 9],
  ["the configured one", 10, 100, 8],
])("of a configured limit and the headers' the lower counts: %s", async (_, configured, header, expected) => {
  await using at = await openNamespace();
  const [gate] = gates(at, limitedTo({ requestsPerMinute: configured, burstSeconds: 60 })) as [Admission];
  await learn(gate, [told("requests", header)]);
  expect(granted(await askFor(30, [gate]))).toBe(expected);
});

it.each(["tokens", "inputTokens", "outputTokens"] as const)("learns a limit of %s", async (counts) => {
  await using at = await openNamespace();
  const [gate] = gates(at, limitedTo({ burstSeconds: 60 })) as [Admission];
  await learn(gate, [told(counts, { tokens: 480, inputTokens: 400, outputTokens: 80 }[counts])]);
  expect(granted(await askFor(30, [gate]))).toBe(9);
});

it("a lower remaining lowers the bucket at once, a higher one raises nothing", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo({ requestsPerMinute: 20, burstSeconds: 60 });
  const [gate] = gates(at, policy) as [Admission];
  await learn(gate, [told("requests", 20, 3)]);
  await learn(gate, [told("requests", 20, 19)], "second");
  expect(granted(await askFor(30, [gate]))).toBe(2);
});

it("a limit by the day that the headers tell counts what others have used of it", async () => {
  await using at = await openNamespace();
  const [gate] = gates(at, limitedTo({})) as [Admission];
  await learn(gate, [{ counts: "requests", limit: 100, periodMs: 24 * 3600_000, remaining: 4 }]);
  expect(granted(await askFor(10, [gate]))).toBe(4);
});

it("what failed over takes three tenths while the group's own lanes have work, and everything when they have none", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo({ requestsPerMinute: 10, burstSeconds: 60 });
  const over = async (id: string): Promise<AdmitReply> =>
    await (gates(at, policy)[0] as Admission).admit(admitRequestOf(id, { intent: intentOf(id, 1, { member: 1 }) }));
  await at.redis.hset(at.keys.limitGroup(TARGET.limitGroup), "ownAt", Date.now() + 60_000);
  const replies = await Promise.all(Array.from({ length: 10 }, (_, index) => over(`busy-${index}`)));
  expect(granted(replies), "3 of 10, and just under that").toBe(2);
  await at.redis.hset(at.keys.limitGroup(TARGET.limitGroup), "ownAt", 0);
  const alone = await Promise.all(Array.from({ length: 20 }, (_, index) => over(`alone-${index}`)));
  expect(granted(alone)).toBe(7);
});

it("Redis' clock is set back: nobody waits until the old time comes again", async () => {
  await using at = await openSeenNamespace();
  const admissions = gates(at, limitedTo(NINE_AT_ONCE));
  expect(granted(await askFor(3, admissions))).toBe(3);
  const key = controlKeys(at.namespace).limitGroup(TARGET.limitGroup);
  const group = await at.redis.hgetall(key);
  const moments = Object.entries(group).filter(([field]) => /^full:|At$|Since$|Until$/.test(field));
  const ahead = moments.flatMap(([field, atMs]) => [field, String(Number(atMs) + 600_000)]);
  await at.redis.hset(key, ...ahead);
  expect(answersOf(await askFor(6, admissions)), "the rest of the burst").toEqual(["granted"]);
  expect(answersOf(await askFor(3, admissions))).toEqual(["unavailable limit"]);
});
