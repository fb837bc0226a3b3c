import { describe, expect, it } from "vitest";
import { BatchStore } from "../../../src/batch/batch-store.ts";
import { startBatchServer } from "../../support/batch-server/batch-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import {
  accounted,
  AGENT,
  attemptsOf,
  ended,
  enqueue,
  LIVE_COST,
  MAKING,
  resultsOf,
  systemOn,
  type Vendor,
} from "./batch-system.ts";

describe.each(["openai", "anthropic"] satisfies Vendor[])("batches of %s", (vendor) => {
  it("bring every row its text, at half the price", async () => {
    await using server = await startBatchServer({ vendor });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 5);
    await system.startWorker();
    const results = await resultsOf(system, ids);
    for (const result of results) {
      expect(result).toMatchObject({ status: "succeeded", costMicroUsd: LIVE_COST[vendor] / 2 });
      expect(result.attempts).toHaveLength(1);
    }
    expect(server.batches).toHaveLength(1);
    expect(server.batches[0]?.rows).toHaveLength(5);
    expect(server.liveCalls).toEqual([]);
    const rows = await accounted(system);
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row).toMatchObject({ delivery: "batch", sent: "yes", outcome: "succeeded" });
    expect(await ended(system)).toMatchObject({ state: "done", total: 5, succeeded: 5, returned: 0, provider: vendor });
  });

  it("that fail in part: rows go on in their lanes, and their first attempt is on the books", async () => {
    const error = { status: 500, type: "api_error", message: "an internal error" };
    await using server = await startBatchServer({
      vendor,
      fate: (row) => (row < 2 ? error : { text: `Text ${row}.` }),
    });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 4);
    await system.startWorker();
    const results = await resultsOf(system, ids);
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "succeeded"));
    const byAttempts = results.map(attemptsOf).toSorted((a, b) => b.length - a.length);
    const half = LIVE_COST[vendor] / 2;
    expect(byAttempts).toEqual([
      ...Array.from({ length: 2 }, () => ["overloaded 0", `succeeded ${LIVE_COST[vendor]}`]),
      ...Array.from({ length: 2 }, () => [`succeeded ${half}`]),
    ]);
    expect(server.liveCalls).toHaveLength(2);
    await accounted(system);
    expect(await ended(system)).toMatchObject({ state: "done", succeeded: 2, returned: 2 });
  });

  it("that expire: what was not run costs nothing, and runs live", async () => {
    await using server = await startBatchServer({
      vendor,
      fate: (row) => (row === 0 ? { text: "In time." } : row === 1 ? "expired" : "missing"),
    });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 3);
    await system.startWorker();
    const results = await resultsOf(system, ids);
    expect(results.map(({ status }) => status)).toEqual(["succeeded", "succeeded", "succeeded"]);
    for (const { attempts } of results) expect(attempts).toHaveLength(1);
    const rows = await accounted(system);
    expect(rows.filter(({ delivery }) => delivery === "batch")).toHaveLength(1);
    expect(server.liveCalls).toHaveLength(2);
  });

  it("are found again when nobody noted that they were made, and never made twice", async () => {
    await using server = await startBatchServer({ vendor, loseReply: (batch) => batch === 0, looks: 0 });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 3);
    await system.startWorker();
    const results = await resultsOf(system, ids);
    expect(results.map(({ status }) => status)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(server.batches).toHaveLength(1);
    expect(server.liveCalls).toEqual([]);
    await accounted(system);
  });

  it("are worked on by one of several workers", async () => {
    await using server = await startBatchServer({ vendor, looks: 3 });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 20);
    await Promise.all([system.startWorker(), system.startWorker(), system.startWorker()]);
    await resultsOf(system, ids);
    expect(server.batches.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(20);
    const rows = await accounted(system);
    expect(rows).toHaveLength(20);
  });

  it("that the vendor refuses for good: rows go on in their lanes", async () => {
    const body = vendor === "openai" ? { error: { message: "no", type: "x", code: "insufficient_quota" } } : null;
    const refusal = {
      status: vendor === "openai" ? 429 : 402,
      body: body ?? { type: "error", error: { type: "billing_error", message: "no money" } },
    };
    await using server = await startBatchServer({ vendor, refuse: (call) => (MAKING.test(call) ? refusal : null) });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 2);
    await system.startWorker();
    const results = await resultsOf(system, ids);
    expect(results.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
    expect(server.liveCalls).toHaveLength(2);
    expect(await ended(system)).toMatchObject({ state: "failed", returned: 2 });
    const rows = await accounted(system);
    expect(rows.filter(({ delivery }) => delivery === "batch")).toEqual([]);
  });

  it("that are over when they are cancelled are collected", async () => {
    await using server = await startBatchServer({ vendor, looks: 1_000_000, isOverWhenCancelled: true });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 3);
    await system.startWorker();
    const store = new BatchStore(system.redis, system.namespace);
    const batch = await waitFor(async () => (await store.underWay()).find(({ state }) => state === "submitted"), {
      describe: () => "the batch is at the vendor",
    });
    expect(await store.cancel(batch.id)).toBe(true);
    for (const result of await resultsOf(system, ids)) expect(result).toMatchObject({ status: "succeeded" });
    expect(server.liveCalls).toEqual([]);
    await accounted(system);
  });

  it("are sent with the key in its header alone, and nothing else than a live call's body", async () => {
    await using server = await startBatchServer({ vendor });
    await using system = await systemOn(server, vendor);
    await system.startWorker();
    await system.run({ kind: "tweet", agent: AGENT[vendor], id: "live", context: { topic: "topic 0" } });
    const [id = ""] = await enqueue(system, vendor, 1);
    await system.resultOf(id);
    expect(server.batches[0]?.rows[0]?.body).toEqual(server.liveCalls[0]);
  });
});

it("a text that is only a draft is made better live", async () => {
  const long = "A sentence that goes on. ".repeat(20).trim();
  await using server = await startBatchServer({ vendor: "openai", fate: () => ({ text: long }) });
  await using system = await systemOn(server, "openai");
  const [id = ""] = await enqueue(system, "openai", 1);
  await system.startWorker();
  const result = await system.resultOf(id);
  expect(result).toMatchObject({ status: "succeeded", text: "Live text 1.", finishing: { changes: ["shortened"] } });
  expect(result.attempts.map(({ request }) => request)).toEqual(["generate", "shorten"]);
  await accounted(system);
});

it("a job that is cancelled while its batch is under way ends as cancelled, and what it cost is told", async () => {
  await using server = await startBatchServer({ vendor: "openai", looks: 1_000_000 });
  await using system = await systemOn(server, "openai");
  const [id = ""] = await enqueue(system, "openai", 1);
  await system.startWorker();
  await waitFor(() => server.batches[0], { describe: () => "the batch was made" });
  expect(await system.producer.cancel(id)).toBe("cancelling");
  if (server.batches[0] !== undefined) server.batches[0].looksLeft = 0;
  expect(await system.resultOf(id)).toMatchObject({ status: "cancelled", costMicroUsd: 4, attempts: [{}] });
  await accounted(system);
});

it("a batch that is cancelled: what is answered counts, the rest runs live", async () => {
  await using server = await startBatchServer({ vendor: "openai", looks: 1_000_000 });
  await using system = await systemOn(server, "openai");
  const ids = await enqueue(system, "openai", 4);
  await system.startWorker();
  const store = new BatchStore(system.redis, system.namespace);
  const batch = await waitFor(async () => (await store.underWay()).find(({ state }) => state === "submitted"), {
    describe: () => "the batch is at the vendor",
  });
  expect(await store.cancel(batch.id)).toBe(true);
  await waitFor(() => server.batches[0]?.isCancelled === true || undefined, { describe: () => "the vendor was told" });
  if (server.batches[0] !== undefined) server.batches[0].looksLeft = 0;
  const results = await resultsOf(system, ids);
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "succeeded"));
  expect(server.liveCalls).toHaveLength(2);
  await accounted(system);
});

it("a batch above the vendor's limit of enqueued tokens is sent again later", async () => {
  await using server = await startBatchServer({
    vendor: "openai",
    failWith: "Enqueued token limit reached for gpt-6-luna",
  });
  await using system = await systemOn(server, "openai");
  await enqueue(system, "openai", 2);
  await system.startWorker();
  await waitFor(() => (server.batches.length >= 2 ? true : undefined), { describe: () => "it was sent again" });
  expect(server.liveCalls).toEqual([]);
});

describe("is delivered live:", () => {
  it("a job whose deadline is near", async () => {
    await using server = await startBatchServer({ vendor: "openai" });
    await using system = await systemOn(server, "openai");
    await system.startWorker();
    const deadline = Date.now() + 3600_000;
    const result = await system.run({ kind: "tweet", agent: "nori", id: "a", delivery: "batch", deadline });
    expect(result).toMatchObject({ status: "succeeded", costMicroUsd: 8 });
    expect(server.batches).toEqual([]);
  });

  it("a job that no budget pays for ends at once, as it would live", async () => {
    await using server = await startBatchServer({ vendor: "openai" });
    await using system = await systemOn(server, "openai", { settings: { budgets: { agentsUsdPerDay: { nori: 0 } } } });
    const [id = ""] = await enqueue(system, "openai", 1);
    await system.startWorker();
    expect(await system.resultOf(id)).toMatchObject({ status: "failed", reason: expect.stringMatching(/budget/) });
    expect(server.batches).toEqual([]);
  });
});
