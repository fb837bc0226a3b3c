import { expect, it } from "vitest";
import type { AdmitReply } from "../../../src/admission/admission.ts";
import {
  TARGET,
  admissionOf,
  admitRequestOf,
  endOf,
  failedRow,
  intentOf,
  losingFirstReply,
  openNamespace,
  settlementOf,
  succeededRecord,
  succeededRow,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";

const GROUP = TARGET.limitGroup;
const request = admitRequestOf;

/** Whether the attempt is announced, in the job and with the worker. */
async function isOpen({ redis, keys }: TestNamespace, attemptId: string, workerId = "worker-1"): Promise<boolean> {
  const [jobId = "", attempt = ""] = attemptId.split(".");
  const state = await redis.hget(keys.job(jobId), `state:${attempt}`);
  const announced = await redis.sismember(keys.intents(workerId), attemptId);
  expect(announced === 1).toBe(state?.startsWith("open:") ?? false);
  return announced === 1;
}

it("grants the first attempt, and writes its intent", async () => {
  await using at = await openNamespace();
  const intent = intentOf("a");
  expect(await admissionOf(at.redis, at.namespace).admit(request("a"))).toMatchObject({ answer: "granted" });
  expect(await isOpen(at, "a.1")).toBe(true);
  expect(JSON.parse((await at.redis.hget(at.keys.job("a"), "row:1")) ?? "")).toEqual(intent);
  expect(await at.redis.hget(at.keys.job("a"), "attempts")).toBe("1");
  expect(await at.redis.exists(at.keys.usageRows), "an intent is no usage row yet").toBe(0);
});

it("tells the history to a caller who knows nothing of earlier attempts, and grants the next one after that", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const first = failedRow(intentOf("a"));
  await admission.admit(request("a"));
  await admission.settle(settlementOf(first));

  expect(await admission.admit(request("a"))).toEqual({ answer: "history", knownAttempts: 1, rows: [first] });
  expect(await at.redis.hget(at.keys.job("a"), "attempts"), "telling the history writes nothing").toBe("1");
  expect(await admission.admit(request("a", { knownAttempts: 1 }))).toMatchObject({ answer: "granted" });
  expect(await isOpen(at, "a.2")).toBe(true);
});

it("shows an attempt that is still open to another worker as crashed", async () => {
  await using at = await openNamespace();
  await admissionOf(at.redis, at.namespace, { workerId: "worker-1" }).admit(request("a"));
  const reply = await admissionOf(at.redis, at.namespace, { workerId: "worker-2" }).admit(request("a"));
  expect(reply).toEqual({ answer: "history", knownAttempts: 1, rows: [intentOf("a")] });
  expect(reply.answer === "history" && reply.rows[0]?.outcome).toBe("crashed");
});

it("tells the history too when the caller knows of more attempts than there are", async () => {
  await using at = await openNamespace();
  const reply = await admissionOf(at.redis, at.namespace).admit(request("a", { knownAttempts: 2 }));
  expect(reply).toEqual({ answer: "history", knownAttempts: 0, rows: [] });
});

it("of many workers that ask at once for the same attempt, one is granted", async () => {
  await using at = await openNamespace();
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      admissionOf(at.redis, at.namespace, { workerId: `worker-${index}` }).admit(request("a")),
    ),
  );
  const answers = replies.map(({ answer }) => answer).sort();
  expect(answers).toEqual(["granted", ...Array.from({ length: 19 }, () => "history")]);
  expect(await at.redis.hget(at.keys.job("a"), "attempts")).toBe("1");
});

it("grants the same attempt once more when its reply was lost and it is sent again", async () => {
  await using at = await openNamespace();
  const failures: Error[] = [];
  const admission = admissionOf(losingFirstReply(at.redis), at.namespace, { failures });
  expect(await admission.admit(request("a"))).toMatchObject({ answer: "granted" });
  expect(failures.map(({ message }) => message)).toEqual(["read ECONNRESET"]);
  expect(await at.redis.hget(at.keys.job("a"), "attempts")).toBe("1");
  expect(await at.redis.smembers(at.keys.intents("worker-1"))).toEqual(["a.1"]);
});

it("answers a finished job with its record, whatever is asked", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const record = succeededRecord("a");
  await admission.admit(request("a"));
  await admission.settle(settlementOf(succeededRow(intentOf("a")), { terminal: record }));
  for (const knownAttempts of [0, 1, 2]) {
    expect(await admission.admit(request("a", { knownAttempts }))).toEqual({ answer: "settled", record });
  }
  expect(await at.redis.hget(at.keys.job("a"), "attempts")).toBe("1");
});

it("refuses an attempt of a job that somebody cancels", async () => {
  await using at = await openNamespace();
  await at.redis.hset(at.keys.job("a"), "cancelled", 1);
  expect(await admissionOf(at.redis, at.namespace).admit(request("a"))).toEqual({ answer: "cancelled" });
  expect(await at.redis.exists(at.keys.intents("worker-1"))).toBe(0);
});

it("a paused limit group is unavailable: how long, why, and how long this job has waited by now", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const pause = { scope: "limit-group", name: GROUP, forMs: 60_000, why: "rate-limited" } as const;
  await admission.settle({ ...endOf(unsuccessfulRecord("other", "failed")), pause });

  const first = unavailable(await admission.admit(request("a")));
  expect(first).toMatchObject({ why: "rate-limited", waitedMs: 0 });
  expect(first.forMs).toBeGreaterThan(50_000);
  expect(first.forMs, "whole milliseconds, rounded up").toBeLessThanOrEqual(60_001);
  expect(await at.redis.exists(at.keys.intents("worker-1"))).toBe(0);

  // As if it had been told so two minutes ago, to come back a minute later.
  const now = Date.now();
  await at.redis.hset(at.keys.job("a"), { waitFrom: now - 120_000, waitUntil: now - 60_000 });
  const second = unavailable(await admission.admit(request("a")));
  expect(second.waitedMs).toBeGreaterThanOrEqual(60_000);
  expect(second.waitedMs).toBeLessThan(70_000);

  expect(
    (await admission.admit(request("a", { targets: [{ limitGroup: "grok/grok-4.3", credential: "grok#5e6f7a8b" }] })))
      .answer,
  ).toBe("granted");
});

it("a pause that is over is none", async () => {
  await using at = await openNamespace();
  await at.redis.hset(at.keys.limitGroup(GROUP), { pausedUntil: Date.now() - 60_000, why: "rate-limited" });
  expect((await admissionOf(at.redis, at.namespace).admit(request("a"))).answer).toBe("granted");
});

it.each(["failed", "expired"] as const)(
  "opens a new generation for a deliberate retry of a job that %s",
  async (status) => {
    await using at = await openNamespace();
    const admission = admissionOf(at.redis, at.namespace);
    const record = unsuccessfulRecord("a", status);
    await admission.admit(request("a"));
    await admission.settle(settlementOf(failedRow(intentOf("a")), { terminal: record, deliveries: 3 }));

    for (const deliveries of [0, 3]) {
      const reply = await admission.admit(request("a", { deliveries }));
      expect(reply, "a redelivery is no deliberate retry").toEqual({ answer: "settled", record });
    }
    const reopened = await admission.admit(request("a", { deliveries: 4 }));
    expect(reopened, "rows of the former generation are not told").toEqual({
      answer: "history",
      knownAttempts: 1,
      rows: [],
    });
    expect(await at.redis.hmget(at.keys.job("a"), "generation", "base", "result", "status")).toEqual([
      "1",
      "1",
      null,
      null,
    ]);
    expect(await at.redis.pttl(at.keys.job("a")), "it is kept for as long as a new one").toBeGreaterThan(
      89 * 24 * 3600_000,
    );

    const again = request("a", { knownAttempts: 1, deliveries: 4 });
    expect(await admission.admit(again)).toMatchObject({ answer: "granted" });
    const success = succeededRecord("a");
    await admission.settle(settlementOf(succeededRow(again.intent), { terminal: success, deliveries: 4 }));
    expect(await admission.admit(request("a", { deliveries: 9 }))).toEqual({ answer: "settled", record: success });
  },
);

it("a deliberate retry forgets the waits and the cancellation of the generation before", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await admission.settle(endOf(unsuccessfulRecord("a", "expired")));
  await at.redis.hset(at.keys.job("a"), { cancelled: 1, waited: 1, waitFrom: 1, waitUntil: 2 });
  expect((await admission.admit(request("a", { deliveries: 1 }))).answer).toBe("granted");
  expect(await at.redis.hmget(at.keys.job("a"), "cancelled", "waited", "waitFrom")).toEqual([null, null, null]);
});

it.each([succeededRecord("a"), unsuccessfulRecord("a", "cancelled"), unsuccessfulRecord("a", "held")])(
  "never opens a new generation of a job that is $status",
  async (record) => {
    await using at = await openNamespace();
    const admission = admissionOf(at.redis, at.namespace);
    await admission.settle(endOf(record));
    expect(await admission.admit(request("a", { deliveries: 100 }))).toEqual({ answer: "settled", record });
  },
);

function unavailable(reply: AdmitReply): AdmitReply & { answer: "unavailable" } {
  if (reply.answer !== "unavailable") throw new Error(`got ${reply.answer}; expected unavailable`);
  return reply;
}
