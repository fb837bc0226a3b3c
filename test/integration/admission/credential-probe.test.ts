import { expect, it } from "vitest";
import type { Admission, AdmitReply, Grant } from "../../../src/admission/admission.ts";
import {
  TARGET,
  admissionOf,
  admitRequestOf,
  failedRow,
  intentOf,
  limitedTo,
  openSeenNamespace,
  reportOf,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";

/* After the pause of a key one call tries it, whatever becomes of that call. `limits/refused-keys.test.ts` shows the whole path. */

const GOOD = { limitGroup: "openai/gpt-6-luna#cccc3333", credential: "openai#cccc3333" };
const AGAIN = { answer: "unavailable", forMs: 1000, why: "authentication" };

let jobs = 0;

async function ask(gate: Admission, targets = [TARGET]): Promise<AdmitReply> {
  return await gate.admit(admitRequestOf(`job-${++jobs}`, { targets, intent: intentOf(`job-${jobs}`) }));
}

async function probe(gate: Admission): Promise<Grant> {
  const reply = await ask(gate);
  if (reply.answer !== "granted") throw new Error(JSON.stringify(reply));
  return reply;
}

/** The pause of the key is over, and nobody has tried it since. */
async function openSuspect(): Promise<TestNamespace & { readonly key: string }> {
  const at = await openSeenNamespace(TARGET.limitGroup, GOOD.limitGroup);
  const key = at.keys.credential(TARGET.credential);
  await at.redis.hset(key, "pausedUntil", Date.now() - 1000, "why", "authentication");
  return Object.assign(at, { key });
}

async function end(gate: Admission, grant: Grant, row: "good" | "bad" | "refused"): Promise<void> {
  const intent = grant.intent;
  const pause =
    row === "refused"
      ? ({ scope: "credential", name: TARGET.credential, forMs: 300_000, why: "authentication" } as const)
      : null;
  const report = reportOf(grant, { health: row === "good" ? "good" : row === "bad" ? "bad" : "neutral" });
  await gate.settle(settlementOf(row === "good" ? succeededRow(intent) : failedRow(intent), { report, pause }));
}

it("others wait for what the first call says; a success frees the key", async () => {
  await using at = await openSuspect();
  const gate = admissionOf(at.redis, at.namespace);
  const grant = await probe(gate);
  expect(await ask(gate)).toMatchObject(AGAIN);
  expect(await at.redis.hget(at.key, "pausedUntil"), "a probe is no pause").toMatch(/^\d+$/);
  await end(gate, grant, "good");
  expect(await at.redis.exists(at.key)).toBe(0);
  expect(await ask(gate)).toMatchObject({ answer: "granted" });
  expect(await ask(gate)).toMatchObject({ answer: "granted" });
});

it("a refusal pauses it again; what says nothing about the key leaves it to the next call", async () => {
  await using at = await openSuspect();
  const gate = admissionOf(at.redis, at.namespace);
  await end(gate, await probe(gate), "bad");
  const next = await probe(gate);
  expect(await ask(gate)).toMatchObject(AGAIN);
  await end(gate, next, "refused");
  const reply = await ask(gate);
  expect(reply).toMatchObject({ answer: "unavailable", why: "authentication" });
  expect(reply.answer === "unavailable" && reply.forMs).toBeGreaterThan(250_000);
});

it("a grant that is taken back leaves it to the next call", async () => {
  await using at = await openSuspect();
  const gate = admissionOf(at.redis, at.namespace);
  await gate.withdraw(await probe(gate));
  expect(await ask(gate)).toMatchObject({ answer: "granted" });
});

it("a call that was under way before does not speak for the key", async () => {
  await using at = await openSeenNamespace(TARGET.limitGroup);
  const gate = admissionOf(at.redis, at.namespace);
  const [early, refused] = [await probe(gate), await probe(gate)];
  await end(gate, refused, "refused");
  await end(gate, early, "good");
  expect(await ask(gate)).toMatchObject({ answer: "unavailable", why: "authentication" });
});

it("a probe that never ends is waited for a minute at most", async () => {
  await using at = await openSuspect();
  const gate = admissionOf(at.redis, at.namespace);
  await gate.admit(admitRequestOf("slow", { timeoutMs: 600_000 }));
  const until = Number(await at.redis.hget(at.key, "probeUntil"));
  expect(until - Date.now()).toBeLessThanOrEqual(61_000);
  await at.redis.hset(at.key, "probeUntil", Date.now() - 1);
  expect(await ask(gate)).toMatchObject({ answer: "granted" });
});

it("batches do not probe: their answer comes tomorrow", async () => {
  await using at = await openSuspect();
  const batches = admissionOf(at.redis, at.namespace, { outlivesWorkers: true });
  expect(await ask(batches)).toMatchObject({ answer: "granted" });
  expect(await at.redis.zrange(at.keys.workers, "0", "-1"), "nor are they a worker").toEqual([]);
  expect(await ask(admissionOf(at.redis, at.namespace))).toMatchObject({ answer: "granted" });
});

it("another key is waited for rather than one that is being tried", async () => {
  await using at = await openSuspect();
  const gate = admissionOf(at.redis, at.namespace, { policy: limitedTo({ requestsPerMinute: 6, burstSeconds: 10 }) });
  await probe(gate);
  expect(await ask(gate, [GOOD])).toMatchObject({ answer: "granted" });
  expect(await ask(gate, [TARGET, GOOD])).toMatchObject({ answer: "unavailable", why: "limit" });
});
