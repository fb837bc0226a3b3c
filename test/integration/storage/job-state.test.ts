import { expect, it } from "vitest";
import { claimJobs } from "../../../src/admission/claims.ts";
import { storeFeedback } from "../../../src/admission/feedback.ts";
import { sweep } from "../../../src/admission/sweeper.ts";
import { readJobState, type JobState } from "../../../src/storage/job-state.ts";
import {
  admissionOf,
  admitRequestOf,
  endOf,
  failedRow,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRecord,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";

async function claim(at: TestNamespace): Promise<void> {
  const job = { id: "a", payloadHash: "p", lane: "l", snapshot: "s", agentId: "ada", kind: "reply" } as const;
  const requests = [{ ...job, rotates: false }];
  await claimJobs(at.redis, at.namespace, { requests, lanes: new Map(), run: "r1", retryFailed: true });
}

async function stateOf(at: TestNamespace): Promise<JobState | null> {
  return await readJobState(at.redis, at.namespace, "a");
}

const WAITING: JobState = {
  ...{ jobId: "a", agentId: "ada", kind: "reply", lane: "l", run: "r1", status: "waiting", generation: 1 },
  ...{ isCancelled: false, attempts: [], waitUntilAt: null, draft: null, result: null, score: null },
};

it("a job that nobody knows has none", async () => {
  await using at = await openNamespace();
  expect(await stateOf(at)).toBeNull();
});

it("tells where a job stands on its way", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await claim(at);
  expect(await stateOf(at)).toEqual(WAITING);

  await admission.admit(admitRequestOf("a"));
  const open = { ...intentOf("a"), state: "open" };
  expect(await stateOf(at)).toEqual({ ...WAITING, status: "calling", attempts: [open] });

  await admission.settle(settlementOf(failedRow(intentOf("a"))));
  const settled = { ...failedRow(intentOf("a")), state: "settled" };
  expect(await stateOf(at)).toEqual({ ...WAITING, attempts: [settled] });

  await admission.admit(admitRequestOf("a", { knownAttempts: 1 }));
  const { redis, namespace } = at;
  await sweep(["worker-1"], { redis, namespace, workerId: "sweeper", retention: RETENTION, onOrphan: () => undefined });
  const orphaned = { ...intentOf("a", 2), state: "orphaned" };
  expect(await stateOf(at)).toEqual({ ...WAITING, attempts: [settled, orphaned] });

  await redis.hset(at.keys.job("a"), { cancelled: 1, waitUntil: "1764158400000.2500" });
  expect(await stateOf(at)).toMatchObject({ isCancelled: true, waitUntilAt: 1_764_158_400_000 });
});

it("tells the result and its score, and after a retry neither, but the generation", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await claim(at);
  const failed = unsuccessfulRecord("a", "failed");
  await admission.admit(admitRequestOf("a"));
  await admission.settle(settlementOf(failedRow(intentOf("a")), { terminal: failed }));
  expect(await stateOf(at)).toEqual({ ...WAITING, status: "failed", result: failed });

  await claim(at);
  expect(await stateOf(at), "attempts of the generation before are over").toEqual({ ...WAITING, generation: 2 });

  const result = succeededRecord("a");
  await admission.settle(endOf(result));
  await storeFeedback(at.redis, at.namespace, { id: "a", score: 0.8, countersMs: RETENTION.countersMs });
  expect(await stateOf(at)).toEqual({ ...WAITING, status: "succeeded", generation: 2, result, score: 0.8 });
});
