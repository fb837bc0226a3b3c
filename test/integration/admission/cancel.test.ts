import { expect, it } from "vitest";
import { cancelJob, claimJobs, type CancelManner, type CancelReply } from "../../../src/admission/claims.ts";
import { sweep } from "../../../src/admission/sweeper.ts";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { loadLuaScript } from "../../../src/platform/lua-script.ts";
import {
  admitRequestOf,
  admissionOf,
  endOf,
  failedRow,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  type TestNamespace,
} from "../../support/attempts.ts";

const NOW = Date.UTC(2026, 10, 23, 13);

async function claim(at: TestNamespace, id: string): Promise<void> {
  const job = { payloadHash: "p", lane: "l", snapshot: "s", agentId: "ada", kind: "reply", rotates: false } as const;
  await claimJobs(at.redis, at.namespace, { requests: [{ id, ...job }], lanes: new Map() });
}

async function cancel(at: TestNamespace, jobId: string, manner: CancelManner = {}): Promise<CancelReply> {
  const { resultsMs, countersMs } = RETENTION;
  return await cancelJob(at.redis, at.namespace, { ...manner, jobId, resultsMs, countersMs, now: NOW });
}

async function admit(at: TestNamespace, jobId: string, knownAttempts = 0): Promise<string> {
  const intent = intentOf(jobId, knownAttempts + 1);
  const admission = admissionOf(at.redis, at.namespace);
  return (await admission.admit(admitRequestOf(intent.jobId, { intent, knownAttempts }))).answer;
}

async function recordOf(at: TestNamespace, jobId: string): Promise<GenerationResult | null> {
  const json = await at.redis.hget(at.keys.job(jobId), "result");
  return json === null ? null : (JSON.parse(json) as GenerationResult);
}

it("unknown: there is no such job, and none comes to be", async () => {
  await using at = await openNamespace();
  expect(await cancel(at, "a")).toBe("unknown");
  expect(await at.redis.exists(at.keys.job("a"))).toBe(0);
});

it("cancelled: nobody was calling, the record is written at once and expires like any other", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  expect(await cancel(at, "a")).toBe("cancelled");
  const reason = "cancelled before a provider was called";
  const base = { id: "a", agentId: "ada", kind: "reply", attempts: [], costMicroUsd: 0, finishedAt: NOW };
  expect(await recordOf(at, "a")).toEqual({ status: "cancelled", ...base, reason });
  expect(await at.redis.pttl(at.keys.job("a"))).toBeGreaterThan(0);
  expect(await at.redis.pttl(at.keys.job("a"))).toBeLessThanOrEqual(RETENTION.resultsMs);
  expect(await admit(at, "a"), "no call is made any more").toBe("settled");
});

it("cancelled between two attempts: the record tells those that were made, and what they cost", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  await admit(at, "a");
  await admissionOf(at.redis, at.namespace).settle(settlementOf(failedRow(intentOf("a"), { costMicroUsd: 1.5 })));
  expect(await cancel(at, "a")).toBe("cancelled");
  expect(await recordOf(at, "a")).toMatchObject({
    costMicroUsd: 1.5,
    reason: "cancelled while it waited",
    attempts: [{ attempt: 1, provider: "openai", outcome: "overloaded", costMicroUsd: 1.5 }],
  });
});

it("cancelling: a worker is calling; it is told, and the record is its to write", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  await admit(at, "a");
  const heard: string[] = [];
  const subscriber = at.redis.duplicate();
  try {
    subscriber.on("message", (_channel, jobId: string) => heard.push(jobId));
    await subscriber.subscribe(at.keys.cancelledChannel);
    expect(await cancel(at, "a")).toBe("cancelling");
    await expect.poll(() => heard).toEqual(["a"]);
  } finally {
    subscriber.disconnect();
  }
  expect(await recordOf(at, "a")).toBeNull();
  await admissionOf(at.redis, at.namespace).settle(settlementOf(failedRow(intentOf("a"))));
  expect(await admit(at, "a", 1), "no further attempt").toBe("cancelled");
});

it("calling: calls are spared, the job goes on, and between two attempts it is cancelled with its reason", async () => {
  await using at = await openNamespace();
  const manner = { sparesCalls: true, because: "the key is refused" };
  await claim(at, "a");
  await admit(at, "a");
  expect(await cancel(at, "a", manner)).toBe("calling");
  expect(await at.redis.hmget(at.keys.job("a"), "result", "cancelled")).toEqual([null, null]);
  await admissionOf(at.redis, at.namespace).settle(settlementOf(failedRow(intentOf("a"))));
  expect(await cancel(at, "a", manner)).toBe("cancelled");
  expect(await recordOf(at, "a")).toMatchObject({ reason: "cancelled while it waited: the key is refused" });
});

it("an attempt whose worker died does not keep a job from being cancelled at once", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  await admit(at, "a");
  const { redis, namespace } = at;
  await sweep(["worker-1"], { redis, namespace, workerId: "s", retention: RETENTION, onOrphan: () => undefined });
  expect(await cancel(at, "a")).toBe("cancelled");
  expect(await recordOf(at, "a")).toMatchObject({ attempts: [{ outcome: "crashed", possiblyBilled: true }] });
});

it("settled: nothing changes", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  const record = succeededRecord("a");
  await admissionOf(at.redis, at.namespace).settle(endOf(record));
  expect(await cancel(at, "a")).toBe("settled");
  expect(await recordOf(at, "a")).toEqual(record);
  expect(await at.redis.hexists(at.keys.job("a"), "cancelled")).toBe(0);
});

it("twice: the second time it is settled", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  expect([await cancel(at, "a"), await cancel(at, "a")]).toEqual(["cancelled", "settled"]);
});

it("a record that does not know of the latest attempt is not written", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  await admit(at, "a");
  await admissionOf(at.redis, at.namespace).settle(settlementOf(failedRow(intentOf("a"))));
  const script = loadLuaScript(new URL("../../../src/admission/scripts/cancel.lua", import.meta.url));
  const stale = ["{}", 0, 1000, at.keys.settledChannel, at.keys.cancelledChannel, "a"];
  expect(await script.run(at.redis, [at.keys.job("a")], stale)).toBe("outdated");
  expect(await at.redis.hmget(at.keys.job("a"), "result", "cancelled")).toEqual([null, null]);
});

it("cancels against a worker that goes on to its next attempt meanwhile, and one of the two is told no", async () => {
  await using at = await openNamespace();
  await claim(at, "a");
  for (let round = 0; round < 20; round++) {
    const id = `job${round}`;
    await claim(at, id);
    const [reply, answer] = await Promise.all([cancel(at, id), admit(at, id)]);
    expect([
      ["cancelled", "settled"],
      ["cancelling", "granted"],
    ]).toContainEqual([reply, answer]);
  }
});
