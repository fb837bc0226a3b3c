import { expect, it } from "vitest";
import {
  countWorkers,
  heartbeat,
  signOff,
  sweep,
  trimUsageRows,
  type SweeperOptions,
} from "../../../src/admission/sweeper.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import {
  admitRequestOf,
  admissionOf,
  failedRow,
  intentOf,
  openNamespace,
  RETENTION,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";
import { expectBalancedBooks } from "../../support/usage-books.ts";

function sweeperOf(
  { redis, namespace }: TestNamespace,
  orphans: UsageRecord[] = [],
  workerId = "sweeper",
): SweeperOptions {
  return { redis, namespace, workerId, retention: RETENTION, onOrphan: (row) => void orphans.push(row) };
}

/** A worker that announced its attempts and was not heard of since. */
async function dieInMidCall(at: TestNamespace, workerId: string, jobIds: readonly string[]): Promise<void> {
  const admission = admissionOf(at.redis, at.namespace, { workerId });
  for (const jobId of jobIds) {
    await admission.admit(admitRequestOf(jobId));
  }
  await at.redis.zadd(at.keys.workers, 0, workerId);
}

it("turns the intents of dead workers into orphans, and forgets the workers", async () => {
  await using at = await openNamespace();
  await dieInMidCall(at, "dead-1", ["a", "b"]);
  await dieInMidCall(at, "dead-2", ["c"]);
  const orphans: UsageRecord[] = [];
  const sweeper = sweeperOf(at, orphans);
  const dead = await heartbeat(sweeper);
  expect([...dead].sort()).toEqual(["dead-1", "dead-2"]);
  await sweep(dead, sweeper);

  const intents = ["a", "b", "c"].map((jobId) => intentOf(jobId));
  expect([...orphans].sort((a, b) => (a.jobId < b.jobId ? -1 : 1))).toEqual(intents);
  const { rows } = await expectBalancedBooks(at.redis, at.namespace);
  expect(
    [...rows].sort((a, b) => (a.jobId < b.jobId ? -1 : 1)),
    "at the largest possible cost",
  ).toEqual(intents);
  expect(await at.redis.zrange(at.keys.workers, "0", "-1")).toEqual(["sweeper"]);
  expect(await at.redis.exists(at.keys.intents("dead-1"), at.keys.intents("dead-2"))).toBe(0);
  expect(await heartbeat(sweeper)).toEqual([]);
});

it("finds what a worker has begun that was taken for dead, went on and died before it could say so", async () => {
  await using at = await openNamespace();
  await dieInMidCall(at, "frozen", ["a"]);
  const sweeper = sweeperOf(at);
  await sweep(await heartbeat(sweeper), sweeper);
  const admission = admissionOf(at.redis, at.namespace, { workerId: "frozen" });
  await admission.admit(admitRequestOf("b"));
  expect(await at.redis.zrange(at.keys.workers, "0", "-1")).toEqual(["sweeper", "frozen"]);
  // One that goes on while it is swept stays listed.
  await admission.admit(admitRequestOf("c"));
  await signOff(sweeperOf(at, [], "frozen"));
  await sweep(["frozen"], sweeper);
  const { rows } = await expectBalancedBooks(at.redis, at.namespace);
  expect(rows.map(({ jobId }) => jobId).sort()).toEqual(["a", "b", "c"]);
  expect(await at.redis.zrange(at.keys.workers, "0", "-1")).toEqual(["sweeper"]);
});

it("leaves the intents of living workers alone", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace, { workerId: "alive" });
  await admission.admit(admitRequestOf("a"));
  await heartbeat(sweeperOf(at, [], "alive"));
  expect(await heartbeat(sweeperOf(at))).toEqual([]);
  expect(await countWorkers(at.redis, at.namespace)).toBe(2);
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([]);
});

it("several sweepers at once write each orphan once", async () => {
  await using at = await openNamespace();
  const jobIds = Array.from({ length: 20 }, (_, index) => `job${index}`);
  await dieInMidCall(at, "dead", jobIds);
  await Promise.all([1, 2, 3, 4].map(async (n) => await sweep(["dead"], sweeperOf(at, [], `sweeper-${n}`))));
  const { rows } = await expectBalancedBooks(at.redis, at.namespace);
  expect(rows).toHaveLength(jobIds.length);
});

it("an attempt that was settled meanwhile does not become an orphan", async () => {
  await using at = await openNamespace();
  await dieInMidCall(at, "dead", ["a"]);
  const row = succeededRow(intentOf("a"));
  // Settled by a process whose last command, the one that closes the intent, is taken back here.
  await admissionOf(at.redis, at.namespace, { workerId: "dead" }).settle(settlementOf(row));
  await at.redis.sadd(at.keys.intents("dead"), "a.1");
  const orphans: UsageRecord[] = [];
  await sweep(["dead"], sweeperOf(at, orphans));
  expect(orphans).toEqual([]);
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([row]);
  expect(await at.redis.exists(at.keys.intents("dead"))).toBe(0);
});

it("forgets an intent whose job is gone", async () => {
  await using at = await openNamespace();
  await dieInMidCall(at, "dead", ["a"]);
  await at.redis.del(at.keys.job("a"));
  await sweep(["dead"], sweeperOf(at));
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([]);
  expect(await at.redis.exists(at.keys.intents("dead"), at.keys.job("a"))).toBe(0);
});

it("a worker that was only silent settles late, in place of its orphan, and is counted again when it is heard", async () => {
  await using at = await openNamespace();
  await dieInMidCall(at, "silent", ["a"]);
  const sweeper = sweeperOf(at);
  await sweep(await heartbeat(sweeper), sweeper);
  const late = failedRow(intentOf("a"));
  await admissionOf(at.redis, at.namespace, { workerId: "silent" }).settle(settlementOf(late));
  expect((await expectBalancedBooks(at.redis, at.namespace)).rows).toEqual([late]);
  await heartbeat(sweeperOf(at, [], "silent"));
  expect(await countWorkers(at.redis, at.namespace)).toBe(2);
});

it("a worker that leaves in good order is gone at once; with an open intent it is left to the sweeper", async () => {
  await using at = await openNamespace();
  await heartbeat(sweeperOf(at, [], "tidy"));
  await signOff(sweeperOf(at, [], "tidy"));
  expect(await at.redis.zrange(at.keys.workers, "0", "-1")).toEqual([]);
  await dieInMidCall(at, "untidy", ["a"]);
  await signOff(sweeperOf(at, [], "untidy"));
  expect(await at.redis.zrange(at.keys.workers, "0", "-1")).toEqual(["untidy"]);
});

it("looking who lives is no sign of life", async () => {
  await using at = await openNamespace();
  expect(await countWorkers(at.redis, at.namespace)).toBe(0);
  expect(await at.redis.exists(at.keys.workers)).toBe(0);
});

it("drops usage rows by age", async () => {
  await using at = await openNamespace();
  // Trimming works on whole nodes of the stream, so there are many old ones.
  const pipeline = at.redis.pipeline();
  for (let index = 0; index < 1000; index++) pipeline.xadd(at.keys.usageRows, `${index + 1}-0`, "row", "old");
  await pipeline.exec();
  const row = succeededRow(intentOf("a"));
  await admissionOf(at.redis, at.namespace).settle(settlementOf(row));
  await trimUsageRows(sweeperOf(at));
  const entries = await at.redis.xrange(at.keys.usageRows, "-", "+");
  expect(entries.length).toBeLessThanOrEqual(101);
  expect(entries.at(-1)?.[1]).toEqual(["row", JSON.stringify(row)]);
});
