import { expect, it } from "vitest";
import type { Admission, AdmitReply, CallTarget } from "../../../src/admission/admission.ts";
import {
  admissionOf,
  admitRequestOf,
  failedRow,
  limitedTo,
  openSeenNamespace,
  reportOf,
  settlementOf,
  succeededRow,
} from "../../support/attempts.ts";

const POOL: readonly CallTarget[] = ["aaaa1111", "bbbb2222", "cccc3333"].map((id) => ({
  limitGroup: `openai/gpt-6-luna#${id}`,
  credential: `openai#${id}`,
}));

const GROUPS = [...POOL.map(({ limitGroup }) => limitGroup), "openai/gpt-6-luna"];

const THREE_EACH = limitedTo({ requestsPerMinute: 3.2, burstSeconds: 60 });

let jobs = 0;

async function ask(gate: Admission, targets = POOL): Promise<AdmitReply> {
  return await gate.admit(admitRequestOf(`job-${++jobs}`, { targets }));
}

function keyOf(reply: AdmitReply): string {
  return reply.answer === "granted" ? (POOL[reply.target]?.credential ?? "") : reply.answer;
}

it("takes the key with most room, so that all of them are used alike", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const gate = admissionOf(at.redis, at.namespace, { policy: THREE_EACH });
  const keys: string[] = [];
  for (let index = 0; index < 10; index++) keys.push(keyOf(await ask(gate)));
  const counts = Map.groupBy(keys, (key) => key);
  expect([...counts].map(([key, { length }]) => `${key} ${length}`).sort()).toEqual([
    "openai#aaaa1111 3",
    "openai#bbbb2222 3",
    "openai#cccc3333 3",
    "unavailable 1",
  ]);
});

it("without any limit they take turns", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const gate = admissionOf(at.redis, at.namespace);
  const keys: string[] = [];
  for (let index = 0; index < 6; index++) keys.push(keyOf(await ask(gate)));
  expect(keys.slice(0, 3).toSorted()).toEqual(POOL.map(({ credential }) => credential));
  expect(keys.slice(3)).toEqual(keys.slice(0, 3));
});

it("a 429 cools one key: the others go on", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const gate = admissionOf(at.redis, at.namespace);
  const grant = await ask(gate);
  if (grant.answer !== "granted") throw new Error(grant.answer);
  const row = failedRow(grant.intent, { outcome: "rate-limited", retryAfterMs: 20_000, status: 429 });
  const pause = { scope: "limit-group", name: grant.limitGroup, forMs: 20_000, why: "rate-limited" } as const;
  await gate.settle(settlementOf(row, { report: reportOf(grant, { health: "neutral" }), pause }));
  const next = new Set<string>();
  for (let index = 0; index < 8; index++) next.add(keyOf(await ask(gate)));
  expect([...next].sort()).toEqual(
    POOL.filter((_, index) => index !== grant.target).map(({ credential }) => credential),
  );
});

it("a refused key is left alone for every model; when all are, the reason is told", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const gate = admissionOf(at.redis, at.namespace);
  for (const expected of [3, 2, 1]) {
    const grant = await ask(gate);
    if (grant.answer !== "granted") throw new Error(`${expected} keys should be left`);
    const row = failedRow(grant.intent, { outcome: "authentication", status: 401 });
    const pause = { scope: "credential", name: grant.credential, forMs: 300_000, why: "authentication" } as const;
    await gate.settle(settlementOf(row, { report: reportOf(grant, { health: "neutral" }), pause }));
  }
  const otherModel = POOL.map(({ credential }) => ({ credential, limitGroup: `${credential}/other` }));
  for (const targets of [POOL, otherModel]) {
    expect(await ask(gate, targets)).toMatchObject({ answer: "unavailable", why: "authentication" });
  }
});

it("keys of one team share a group: they share its pace, and one that is refused leaves it to the others", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const gate = admissionOf(at.redis, at.namespace, { policy: THREE_EACH });
  const team = POOL.map(({ credential }) => ({ credential, limitGroup: "openai/gpt-6-luna" }));
  const replies = await Promise.all(Array.from({ length: 6 }, () => ask(gate, team)));
  expect(replies.filter(({ answer }) => answer === "granted")).toHaveLength(3);
});

it("the settled key is the one that was granted: its tokens come back to its own bucket", async () => {
  await using at = await openSeenNamespace(...GROUPS);
  const policy = limitedTo({ tokensPerMinute: 51.2, burstSeconds: 60 });
  const gate = admissionOf(at.redis, at.namespace, { policy });
  const [first, second] = POOL.slice(0, 2);
  const two = [first, second].filter((target) => target !== undefined);
  const grants = [await ask(gate, two), await ask(gate, two)];
  expect(await ask(gate, two)).toMatchObject({ answer: "unavailable", why: "limit" });
  const grant = grants[1];
  if (grant?.answer !== "granted") throw new Error("not granted");
  const row = succeededRow(grant.intent, {
    usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0, estimated: false, raw: null },
  });
  await gate.settle(settlementOf(row, { report: reportOf(grant) }));
  expect(keyOf(await ask(gate, two))).toBe(two[grant.target]?.credential);
});
