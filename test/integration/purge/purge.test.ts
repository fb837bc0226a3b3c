import { describe, expect, it } from "vitest";
import { sweep } from "../../../src/admission/sweeper.ts";
import {
  admissionOf,
  admitRequestOf,
  failedRow,
  intentOf,
  reportOf,
  RETENTION,
  settlementOf,
  succeededRecord,
  succeededRow,
} from "../../support/attempts.ts";
import { startSystem } from "../../support/generation-system.ts";
import { readContents, type KeyContents } from "../../support/redis-contents.ts";
import { expectBalancedBooks } from "../../support/usage-books.ts";
import { waitFor } from "../../support/wait-for.ts";
import { OF_ADA, OF_NORI, startPurgedSystem } from "./purged-system.ts";

function keysWith(words: RegExp, contents: readonly KeyContents[]): string[] {
  return contents.filter(({ text }) => words.test(text)).map(({ key }) => key);
}

/** `{ns}:job:…` becomes `job`, a lane's `…:j_ada-tweet` becomes `lane j`. */
function kindsOf(keys: readonly string[]): string[] {
  const kinds = keys.map((key) => {
    const [first = "", second = ""] = key.replace(/^\{[^}]*\}:/, "").split(":");
    return /^\{.*:[0-9a-f]{8}\}/.test(key) ? `lane ${second.replace(/_.*/, "")}` : first;
  });
  return [...new Set(kinds)].sort();
}

it("everything that an agent was asked and has written goes; the accounts and other agents' texts stay", async () => {
  await using purged = await startPurgedSystem();
  const { system, hanging } = purged;
  const { redis, namespace, producer, keys } = system;
  const before = await readContents(redis, namespace);
  const kinds = ["agent", "batch-open", "cache", "job", "lane events", "lane j", "limits", "schedules", "usage"];
  expect(kindsOf(keysWith(OF_ADA, before))).toEqual(kinds);
  const recordBefore = await system.resultOf("ada-tweet");
  const booksBefore = await expectBalancedBooks(redis, namespace);
  const ofNori = keysWith(OF_NORI, before).filter((key) => !key.endsWith(":events"));

  const looked = await producer.purge("ada", { dryRun: true });
  expect(looked).toMatchObject({
    cancelled: 3,
    results: 6,
    batchRows: 1,
    snapshots: 2,
    cached: 1,
    schedules: 1,
    underWay: 0,
  });
  expect(keysWith(OF_ADA, await readContents(redis, namespace))).toEqual(keysWith(OF_ADA, before));

  const report = await producer.purge("ada");
  expect(report).toMatchObject({ ...looked, results: 9, queued: looked.queued, messages: report.messages });
  const after = await readContents(redis, namespace);
  expect(keysWith(OF_ADA, after)).toEqual([]);
  expect(after.filter(({ key, text }) => key.includes(":text:") && text.includes("ada\n"))).toEqual([]);
  expect(keysWith(OF_NORI, after).filter((key) => !key.endsWith(":events"))).toEqual(ofNori);

  // Who had a result has it still, and who had none has one now.
  const record = await system.resultOf("ada-tweet");
  expect(record).toEqual({ ...recordBefore, text: "", purgedAt: expect.any(Number) as number });
  for (const id of ["waiting", "ada-batch", hanging])
    expect(await producer.result(id)).toMatchObject({ status: "cancelled", reason: "its texts were purged" });
  expect(await producer.result("ada-held")).toMatchObject({ status: "held", attempts: [{ message: null }] });
  const books = await expectBalancedBooks(redis, namespace);
  const aborted = books.rows.filter(({ jobId }) => jobId === hanging);
  expect(aborted).toMatchObject([{ outcome: "aborted", possiblyBilled: true }]);
  expect(books.rows.length).toBe(booksBefore.rows.length + aborted.length);
  await system.expectAccounted();

  // Again: there is nothing left. And the agent can be used again, by a producer that has stored its snapshot before.
  const none = Object.fromEntries(Object.keys(report).map((name) => [name, 0]));
  expect(await producer.purge("ada")).toEqual(none);
  expect(await redis.exists(keys.agentTexts("ada"))).toBe(0);
  expect(await system.run({ kind: "tweet", agent: "ada", id: "new", context: { topic: "zebra again" } })).toMatchObject(
    {
      status: "succeeded",
    },
  );
  expect(kindsOf(keysWith(OF_ADA, await readContents(redis, namespace)))).toContain("agent");
});

describe("a job that a worker is calling for", () => {
  it("leaves no text when its answer is recorded in spite of its cancelling", async () => {
    await using system = await startSystem();
    const { redis, namespace, producer, keys } = system;
    await producer.enqueue({ kind: "tweet", agent: "ada", id: "called", context: { topic: "zebra" } });
    const admission = admissionOf(redis, namespace);
    const grant = await admission.admit(admitRequestOf("called"));
    const purge = producer.purge("ada");
    await waitFor(async () => (await redis.hget(keys.job("called"), "cancelled")) === "1", { describe: () => "told" });
    const row = succeededRow(intentOf("called"));
    const terminal = succeededRecord("called", "an okapi");
    await admission.settle(settlementOf(row, { terminal, report: reportOf(grant) }));
    expect(await purge).toMatchObject({ cancelled: 1, results: 1, queued: 1, underWay: 0 });
    expect(await producer.result("called")).toMatchObject({ status: "succeeded", text: "" });
    expect(keysWith(OF_ADA, await readContents(redis, namespace))).toEqual([]);
    await expectBalancedBooks(redis, namespace);
  });

  it("is told of when its worker is dead, and goes with the next purge", async () => {
    await using system = await startSystem();
    const { redis, namespace, producer } = system;
    await producer.enqueue({ kind: "tweet", agent: "ada", id: "left", context: { topic: "zebra" } });
    await admissionOf(redis, namespace).admit(admitRequestOf("left"));
    expect(await producer.purge("ada", { waitMs: 1 })).toMatchObject({ results: 0, queued: 0, underWay: 1 });
    expect(await producer.result("left")).toBe(null);
    await sweep(["worker-1"], {
      redis,
      namespace,
      workerId: "worker-2",
      retention: RETENTION,
      onOrphan: () => undefined,
    });
    expect(await producer.purge("ada")).toMatchObject({ cancelled: 1, results: 1, queued: 1, underWay: 0 });
    expect(await producer.result("left")).toMatchObject({ status: "cancelled", attempts: [{ outcome: "crashed" }] });
    expect(keysWith(OF_ADA, await readContents(redis, namespace))).toEqual([]);
    await expectBalancedBooks(redis, namespace);
  });
});

it("a job between two attempts is cancelled, and what its first one was told goes as well", async () => {
  await using system = await startSystem();
  const { redis, namespace, producer } = system;
  await producer.enqueue({ kind: "tweet", agent: "ada", id: "retried", context: { topic: "zebra" } });
  const admission = admissionOf(redis, namespace);
  const grant = await admission.admit(admitRequestOf("retried"));
  const row = failedRow(intentOf("retried"), { message: "no okapi" });
  await admission.settle(settlementOf(row, { report: reportOf(grant) }));
  expect(await producer.purge("ada")).toMatchObject({ cancelled: 1, results: 1, queued: 1, messages: 1, underWay: 0 });
  expect(await producer.result("retried")).toMatchObject({ attempts: [{ outcome: "overloaded", message: null }] });
  expect(keysWith(OF_ADA, await readContents(redis, namespace))).toEqual([]);
  await expectBalancedBooks(redis, namespace);
});

it("what was interrupted is done by the next purge", async () => {
  await using system = await startSystem();
  const { redis, namespace, producer } = system;
  const ids = Array.from({ length: 20 }, (_, index) => `job-${index}`);
  for (const id of ids) await producer.enqueue({ kind: "tweet", agent: "ada", id, context: { topic: "zebra" } });
  const interrupt = (): never => {
    throw new Error("Ctrl-C");
  };
  await expect(producer.purge("ada", { onProgress: interrupt })).rejects.toThrow("Ctrl-C");
  await producer.purge("ada");
  expect(keysWith(OF_ADA, await readContents(redis, namespace))).toEqual([]);
  expect(await Promise.all(ids.map(async (id) => (await producer.result(id))?.status))).toEqual(
    ids.map(() => "cancelled"),
  );
});

it("what is no id of an agent is refused", async () => {
  await using system = await startSystem();
  await expect(system.producer.purge("a b")).rejects.toThrow(/purge agent: got "a b"; expected the id of an agent/);
});
