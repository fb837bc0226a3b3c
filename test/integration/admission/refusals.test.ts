import { expect, it } from "vitest";
import { createEpochWatch } from "../../../src/admission/epoch-watch.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Admission, Grant } from "../../../src/admission/admission.ts";
import {
  TARGET,
  admissionOf,
  admitRequestOf,
  failedRow,
  limitedTo,
  openSeenNamespace,
  reportOf,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";

/* What a refusal (429) means for everybody: those who ask, and those who wait for their slots. */

const KEY = TARGET.limitGroup;

async function grantsOf(gate: Admission, count: number, prefix: string): Promise<Grant[]> {
  const replies = await Promise.all(
    Array.from({ length: count }, (_, index) => gate.admit(admitRequestOf(`${prefix}-${index}`))),
  );
  return replies.flatMap((reply) => (reply.answer === "granted" ? [reply] : []));
}

async function refuse(gate: Admission, grant: Grant, retryAfterMs: number | null = null): Promise<void> {
  const row = failedRow(grant.intent, { outcome: "rate-limited", status: 429, retryAfterMs });
  const pause =
    retryAfterMs === null
      ? null
      : ({ scope: "limit-group", name: KEY, forMs: retryAfterMs, why: "rate-limited" } as const);
  await gate.settle(settlementOf(row, { report: reportOf(grant, { health: "neutral" }), pause }));
}

async function accept(gate: Admission, grant: Grant): Promise<void> {
  await gate.settle(settlementOf(succeededRow(grant.intent), { report: reportOf(grant) }));
}

/** A worker that hears what is published. */
async function listeningGate(at: TestNamespace, policy = limitedTo({})): Promise<Admission & AsyncDisposable> {
  const watch = createEpochWatch();
  const subscriber = at.redis.duplicate();
  subscriber.on("message", (_, message: string) => watch.onMessage(message));
  await subscriber.subscribe(at.keys.epochsChannel);
  const gate = admissionOf(at.redis, at.namespace, { workerId: "listener", policy, watch });
  return { ...gate, [Symbol.asyncDispose]: async () => subscriber.disconnect() };
}

const NEVER = new AbortController().signal;

it("empties the bucket for everybody, also where nobody said for how long", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo({ requestsPerMinute: 10, burstSeconds: 60 });
  const gate = admissionOf(at.redis, at.namespace, { policy });
  const [first] = await grantsOf(gate, 1, "a");
  if (first === undefined) throw new Error("not granted");
  await refuse(gate, first);
  expect(await grantsOf(admissionOf(at.redis, at.namespace, { workerId: "w2", policy }), 10, "b")).toEqual([]);
});

it("Retry-After of more than a second is told to all who ask; a shorter one is waited for in the slot", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 600 }) });
  const [first, second] = await grantsOf(gate, 2, "a");
  if (first === undefined || second === undefined) throw new Error("not granted");
  await refuse(gate, first, 900);
  const soon = await gate.admit(admitRequestOf("b"));
  expect(soon.answer).toBe("granted");
  expect(soon.answer === "granted" && soon.slotInMs).toBeGreaterThan(100);
  await refuse(gate, second, 60_000);
  expect(await gate.admit(admitRequestOf("c"))).toMatchObject({ answer: "unavailable", why: "rate-limited" });
});

it("wakes those who wait for a slot: their grants are taken back, and what they had reserved is forgotten once", async () => {
  await using at = await openSeenNamespace();
  const policy = limitedTo({ requestsPerMinute: 120, burstSeconds: 0.1 });
  await using gate = await listeningGate(at, policy);
  const [first, ...waiters] = await grantsOf(gate, 3, "a");
  if (first === undefined) throw new Error("not granted");
  expect(waiters.length).toBeGreaterThan(0);
  expect(waiters.every(({ slotInMs }) => slotInMs > 0)).toBe(true);
  const slots = waiters.map(async (waiter) => await gate.awaitSlot(waiter, NEVER));
  await refuse(gate, first, 60_000);
  expect(new Set(await Promise.all(slots))).toEqual(new Set(["withdrawn"]));
  expect(await at.redis.scard(at.keys.intents("listener"))).toBe(0);
  for (const { intent } of waiters) expect(await at.redis.hget(at.keys.job(intent.jobId), "attempts")).toBe("0");
});

it("who asks for a slot of an epoch that is known to be over does not wait at all", async () => {
  await using at = await openSeenNamespace();
  await using gate = await listeningGate(at, limitedTo({ requestsPerMinute: 600 }));
  const [first, second] = await grantsOf(gate, 2, "a");
  if (first === undefined || second === undefined) throw new Error("not granted");
  await refuse(gate, first, 60_000);
  await expect.poll(async () => await gate.awaitSlot({ ...second, slotInMs: 3600_000 }, NEVER)).toBe("withdrawn");
});

it("a slot that has come is due; an aborted wait is withdrawn", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, {
    policy: limitedTo({ requestsPerMinute: 6000, burstSeconds: 0.1 }),
  });
  const [due, later] = await grantsOf(gate, 2, "a");
  if (due === undefined || later === undefined) throw new Error("not granted");
  expect(await gate.awaitSlot(due, NEVER)).toBe("due");
  const stop = new AbortController();
  const slot = gate.awaitSlot({ ...later, slotInMs: 3600_000 }, stop.signal);
  stop.abort("shutdown");
  expect(await slot).toBe("withdrawn");
  expect(await at.redis.smembers(at.keys.intents("worker-1"))).toEqual([due.intent.attemptId]);
});

it("a process that stood still between its grant and its slot asks again: somebody else may have the job", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 6000 }) });
  const [slow, quick] = await grantsOf(gate, 2, "a");
  if (slow === undefined || quick === undefined) throw new Error("not granted");
  expect(await gate.awaitSlot({ ...slow, askedMs: slow.askedMs - 10_000 }, NEVER)).toBe("withdrawn");
  expect(await gate.awaitSlot({ ...quick, askedMs: quick.askedMs - 5000 }, NEVER)).toBe("due");
  expect(await at.redis.smembers(at.keys.intents("worker-1"))).toEqual([quick.intent.attemptId]);
});

it("the epoch is raised once for refusals of calls that were under way together", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 6000 }) });
  const grants = await grantsOf(gate, 10, "a");
  const epochs = new Set([String(grants[0]?.epoch)]);
  for (const grant of grants) {
    await refuse(gate, grant, 20);
    epochs.add((await at.redis.hget(at.keys.limitGroup(KEY), "epoch")) ?? "");
  }
  expect(epochs.size, "the first one, and that after the first refusal").toBe(2);
});

it("a group that Redis has forgotten begins with a later epoch than any worker remembers", async () => {
  await using at = await openSeenNamespace();
  await using gate = await listeningGate(at, limitedTo({ requestsPerMinute: 6000 }));
  const [first] = await grantsOf(gate, 1, "a");
  if (first === undefined) throw new Error("not granted");
  await refuse(gate, first);
  const remembered = Number(await at.redis.hget(at.keys.limitGroup(KEY), "epoch"));
  await at.redis.del(at.keys.limitGroup(KEY));
  // A refusal within the same millisecond counts one up: the time itself must have come so far.
  await waitFor(async () => {
    const [seconds, micros] = await at.redis.time();
    return Number(seconds) * 1000 + Number(micros) / 1000 >= remembered;
  });
  const [next] = await grantsOf(gate, 1, "b");
  if (next === undefined) throw new Error("not granted");
  expect(await gate.awaitSlot(next, NEVER)).toBe("due");
});

/*
 * A vendor that tells nothing but no. It takes what its bucket holds, a second's worth, and what flows in; the moments of
 * the calls are moved by moving what Redis remembers.
 */
async function observed(at: TestNamespace): Promise<number> {
  return Number(await at.redis.hget(at.keys.limitGroup(KEY), "observed"));
}

it("a burst of which some are refused shows the vendor's rate", async () => {
  await using at = await openSeenNamespace();
  // Configured 3,600 a minute, 57 at once; the vendor takes 40 at once, which is 2,400 a minute.
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 3600 }) });
  const grants = (await grantsOf(gate, 60, "a")).filter(({ slotInMs }) => slotInMs === 0).slice(0, 57);
  expect(grants.length).toBe(57);
  const key = at.keys.limitGroup(KEY);
  // As if everything had happened at one moment.
  await at.redis.hset(key, "busySince", Date.now());
  await at.redis.hset(key, "granted", 57, "full:requests", Date.now());
  const [first, ...others] = grants.slice(40);
  if (first === undefined) throw new Error("not granted");
  await refuse(gate, first, 25);
  await at.redis.hset(key, "eventMs", 1000);
  for (const grant of others) await refuse(gate, grant, 25);
  expect(await observed(at)).toBeCloseTo(2400, -1);
  for (const grant of grants.slice(0, 40)) await accept(gate, grant);
  expect(await observed(at), "successes prove nothing new").toBeCloseTo(2400, -1);
});

it("between two refusals the vendor has taken just what flowed in", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 3600 }) });
  const [first] = await grantsOf(gate, 1, "a");
  if (first === undefined) throw new Error("not granted");
  await refuse(gate, first, 1);
  const key = at.keys.limitGroup(KEY);
  await at.redis.hdel(key, "observed", "pausedUntil");
  // 20 s of calls at 40 a second, one of which is refused at last.
  await at.redis.hset(key, { busySince: Date.now() - 20_000, busyBase: 0, granted: 800, "full:requests": 0 });
  const grant = await gate.admit(admitRequestOf("b"));
  if (grant.answer !== "granted") throw new Error(grant.answer);
  await at.redis.hset(key, { busySince: Date.now() - 20_000, busyBase: 0, busyFromFull: 0 });
  await refuse(gate, grant, 1);
  expect((await observed(at)) / 2400).toBeGreaterThan(0.95);
  expect((await observed(at)) / 2400).toBeLessThan(1.05);
});

it("one refusal after little work does not take more than half", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 3600 }) });
  const [first, second] = await grantsOf(gate, 2, "a");
  if (first === undefined || second === undefined) throw new Error("not granted");
  await refuse(gate, second, 1);
  expect(await observed(at)).toBe(1800);
});

it("a refusal of a group that Redis has forgotten meanwhile is settled like any other", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 600 }) });
  const [first] = await grantsOf(gate, 1, "a");
  if (first === undefined) throw new Error("not granted");
  await at.redis.del(at.keys.limitGroup(KEY));
  await refuse(gate, first, 60_000);
  expect(await at.redis.scard(at.keys.intents("worker-1"))).toBe(0);
  expect(await gate.admit(admitRequestOf("b"))).toMatchObject({ answer: "unavailable", why: "rate-limited" });
});

it("what the headers tell is believed before what refusals show", async () => {
  await using at = await openSeenNamespace();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 3600 }) });
  const [first, second] = await grantsOf(gate, 2, "a");
  if (first === undefined || second === undefined) throw new Error("not granted");
  const limits = [{ counts: "requests", limit: 2400, periodMs: 60_000, remaining: null }] as const;
  await gate.settle(settlementOf(succeededRow(first.intent), { report: reportOf(first, { limits }) }));
  await refuse(gate, second, 1);
  expect(await at.redis.hget(at.keys.limitGroup(KEY), "observed")).toBeNull();
});
