import { describe, expect, it } from "vitest";
import { BatchStore } from "../../../src/batch/batch-store.ts";
import { keyIdOf } from "../../../src/providers/registry.ts";
import { startBatchServer } from "../../support/batch-server/batch-server.ts";
import type { GenerationSystem } from "../../support/generation-system.ts";
import { recordedAnswer } from "../../support/recorded-answers.ts";
import { waitFor } from "../../support/wait-for.ts";
import {
  accounted,
  attemptsOf,
  ended,
  enqueue,
  KEYS,
  MAKING,
  resultsOf,
  systemOn,
  type Vendor,
} from "./batch-system.ts";

const DAY_MS = 24 * 3600_000;
const NOBODY = { status: 404, body: { error: { message: "no such batch", type: "not_found_error" } } };
const WRONG_KEY = { status: 401, body: { error: { message: "wrong key", type: "authentication_error" } } };
/** The calls that tell of one batch, or of all. */
const LOOKING = /^GET .*\/batches\/[^/]+$/;
const LISTING = /^GET .*\/batches$/;

async function submitted({ redis, namespace }: GenerationSystem): Promise<string> {
  const store = new BatchStore(redis, namespace);
  const find = async (): Promise<string | undefined> =>
    (await store.underWay()).find(({ state, looks }) => state === "submitted" && looks > 0)?.id;
  return await waitFor(find, { describe: () => "the vendor was asked about a batch" });
}

/** As if it had been sent three days ago. */
async function age({ redis, keys }: GenerationSystem, id: string): Promise<void> {
  const sentAt = Date.now() - 3 * DAY_MS;
  await redis.hset(keys.batch(id), { submittingAt: sentAt, expiresAt: sentAt + DAY_MS });
}

describe.each(["openai", "anthropic"] satisfies Vendor[])("batches of %s", (vendor) => {
  it("that may have been made are not run live while the list is refused", async () => {
    let refusals = 3;
    await using server = await startBatchServer({
      ...{ vendor, looks: 0, loseReply: (batch) => batch === 0 },
      refuse: (call) => (LISTING.test(call) && refusals-- > 0 ? WRONG_KEY : null),
    });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 3);
    await system.startWorker();
    for (const result of await resultsOf(system, ids)) expect(result).toMatchObject({ status: "succeeded" });
    expect(refusals).toBeLessThan(0);
    expect(server.batches).toHaveLength(1);
    expect(server.liveCalls).toEqual([]);
    await accounted(system);
  });

  it("that the vendor forgets go on live a day after they were due, and may have been paid", async () => {
    let looks = 0;
    await using server = await startBatchServer({
      ...{ vendor, looks: Infinity },
      refuse: (call) => (LOOKING.test(call) && looks++ > 0 ? NOBODY : null),
    });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 2);
    await system.startWorker();
    const id = await submitted(system);
    await waitFor(() => looks > 4 || undefined, { describe: () => "the vendor was asked again and again" });
    expect(server.liveCalls).toEqual([]);
    await age(system, id);
    for (const result of await resultsOf(system, ids)) {
      expect(result).toMatchObject({ status: "succeeded", attempts: [{ outcome: "disconnected" }, {}] });
    }
    expect(server.liveCalls).toHaveLength(2);
    expect(await ended(system)).toMatchObject({
      ...{ state: "failed", returned: 2 },
      message: "what became of its batch cannot be told any more: HTTP 404: no such batch",
    });
    const lost = (await accounted(system)).filter(({ delivery }) => delivery === "batch");
    expect(lost).toHaveLength(2);
    for (const row of lost) expect(row).toMatchObject({ sent: "unknown", possiblyBilled: true });
    for (const { costMicroUsd } of lost) expect(costMicroUsd).toBeGreaterThan(0);
  });

  it("that the vendor does not know are asked about until then, and end when they are cancelled", async () => {
    let looks = 0;
    await using server = await startBatchServer({
      ...{ vendor, looks: Infinity },
      refuse: (call) => (/\/batches\/[^/]+/.test(call) && looks++ > 0 ? NOBODY : null),
    });
    await using system = await systemOn(server, vendor);
    const ids = await enqueue(system, vendor, 2);
    await system.startWorker();
    const id = await submitted(system);
    await waitFor(() => looks > 4 || undefined, { describe: () => "the vendor was asked again and again" });
    expect(server.liveCalls).toEqual([]);
    expect(await new BatchStore(system.redis, system.namespace).cancel(id)).toBe(true);
    for (const result of await resultsOf(system, ids)) expect(result).toMatchObject({ status: "succeeded" });
    expect(await ended(system)).toMatchObject({ id, state: "failed", returned: 2 });
    await accounted(system);
  });

  it("whose key was replaced while jobs waited for them: the jobs go on", async () => {
    await using server = await startBatchServer({ vendor });
    await using before = await systemOn(server, vendor, { settings: { batch: { collectSeconds: 3600 } } });
    const ids = await enqueue(before, vendor, 2);
    const worker = await before.startWorker();
    const store = new BatchStore(before.redis, before.namespace);
    const filed = async (): Promise<true | undefined> => (await store.openGroups())[0]?.rows === 2 || undefined;
    await waitFor(filed, { describe: () => "both jobs wait" });
    await worker.stop({ graceMs: 0 });

    const { namespace } = before;
    await using after = await systemOn(server, vendor, { key: "sk-ant-another-0123456789", namespace });
    await after.startWorker();
    for (const result of await resultsOf(after, ids)) expect(result).toMatchObject({ status: "succeeded" });
    expect(server.batches).toEqual([]);
    expect(server.liveCalls).toHaveLength(2);
    const why = expect.stringMatching(/^no worker has its key \(\w+ [0-9a-f]{8}\) any more$/) as string;
    expect(await ended(after)).toMatchObject({ state: "failed", returned: 2, message: why });
    for (const result of await resultsOf(after, ids)) expect(attemptsOf(result)).toEqual(["succeeded 8"]);
    await accounted(after);
  });

  it("whose key was replaced while they ran go on live a day after they were due", async () => {
    await using server = await startBatchServer({ vendor, looks: Infinity });
    await using before = await systemOn(server, vendor);
    const ids = await enqueue(before, vendor, 2);
    const worker = await before.startWorker();
    const id = await submitted(before);
    await worker.stop({ graceMs: 0 });
    await age(before, id);

    const { namespace } = before;
    await using after = await systemOn(server, vendor, { key: "sk-ant-another-0123456789", namespace });
    await after.startWorker();
    for (const result of await resultsOf(after, ids)) {
      expect(result).toMatchObject({ status: "succeeded", attempts: [{ outcome: "disconnected" }, {}] });
    }
    const rows = await accounted(after);
    expect(rows.filter(({ possiblyBilled }) => possiblyBilled)).toHaveLength(2);
  });
});

it("a batch whose file cannot be found yet is sent again, and made once", async () => {
  const { response } = recordedAnswer("openai/400-batch-cannot-find-file.json");
  let refusals = 2;
  await using server = await startBatchServer({
    vendor: "openai",
    refuse: (call) => (MAKING.test(call) && refusals-- > 0 ? { status: 400, body: response.body } : null),
  });
  await using system = await systemOn(server, "openai");
  const ids = await enqueue(system, "openai", 2);
  await system.startWorker();
  for (const result of await resultsOf(system, ids)) expect(result).toMatchObject({ status: "succeeded" });
  expect(server.batches).toHaveLength(1);
  expect(server.liveCalls).toEqual([]);
  await accounted(system);
});

it("a batch that the vendor has not taken for a day goes on live, at no cost of its own", async () => {
  const { response } = recordedAnswer("openai/400-batch-cannot-find-file.json");
  let tries = 0;
  await using server = await startBatchServer({
    vendor: "openai",
    refuse: (call) => (MAKING.test(call) && ++tries > 0 ? { status: 400, body: response.body } : null),
  });
  await using system = await systemOn(server, "openai");
  const ids = await enqueue(system, "openai", 2);
  await system.startWorker();
  await waitFor(() => tries > 2 || undefined, { describe: () => "it was tried again and again" });
  expect(server.liveCalls).toEqual([]);
  const [batch] = await new BatchStore(system.redis, system.namespace).underWay();
  await system.redis.hset(system.keys.batch(batch?.id ?? ""), { submittingAt: Date.now() - DAY_MS });
  for (const result of await resultsOf(system, ids)) expect(attemptsOf(result)).toEqual(["succeeded 8"]);
  expect(await ended(system)).toMatchObject({ state: "failed", returned: 2 });
  await accounted(system);
});

it("a batch whose end the vendor puts before its beginning is not lost for an error", async () => {
  const running = { id: "batch_1", object: "batch", status: "in_progress", expires_at: 1, metadata: null };
  const answers = [
    { status: 200, body: running },
    { status: 500, body: { error: { message: "trouble", type: "server_error" } } },
  ];
  await using server = await startBatchServer({
    vendor: "openai",
    refuse: (call) => (LOOKING.test(call) ? (answers.shift() ?? null) : null),
  });
  await using system = await systemOn(server, "openai");
  const ids = await enqueue(system, "openai", 2);
  await system.startWorker();
  for (const result of await resultsOf(system, ids)) expect(attemptsOf(result)).toEqual(["succeeded 4"]);
  expect(answers).toEqual([]);
  expect(server.liveCalls).toEqual([]);
  await accounted(system);
});

it("a batch that cannot be worked on keeps nobody from the others", async () => {
  await using server = await startBatchServer({ vendor: "openai" });
  await using system = await systemOn(server, "openai");
  const broken = { state: "submitted", provider: "openai", model: "gpt-6-luna", createdAt: 1, vendorId: "batch_0" };
  const keyId = keyIdOf(KEYS.openai);
  await system.redis.hset(system.keys.batch("broken"), { ...broken, keyId });
  await system.redis.set(system.keys.batchRows("broken"), "not a hash");
  await system.redis.zadd(system.keys.batches, 1, "broken");
  const ids = await enqueue(system, "openai", 1);
  await system.startWorker();
  for (const result of await resultsOf(system, ids)) expect(result).toMatchObject({ status: "succeeded" });
  expect(system.logs.map(({ msg }) => msg)).toContain("the batch could not be looked after");
});
