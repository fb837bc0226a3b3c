import { expect, it } from "vitest";
import { dayOf } from "../../../src/job/usage-counters.ts";
import { createUsageSource, type UsageSource } from "../../../src/monitor/metrics/usage-source.ts";
import { openNamespace, type TestNamespace } from "../../support/attempts.ts";
import { waitFor } from "../../support/wait-for.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

async function add(at: TestNamespace, day: number, counters: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, by] of Object.entries(counters))
    await at.redis.hincrby(at.keys.usageDay(dayOf(day)), `openai|m|${name}`, by);
}

async function callsOf(usage: UsageSource, now: number): Promise<number | undefined> {
  return (await usage.total(now))[0]?.outcomes.get("succeeded");
}

it("adds up what is long ago and what is new, distributions and scores included", async () => {
  await using at = await openNamespace();
  const calls = { requests: 3, failures: 1, "outcome:timeout": 1, "ms:40": 2, inputTokens: 5, costPicoUsd: 2_500_000 };
  for (const ago of [0, 2, 10, 399])
    await add(at, NOON - ago * DAY_MS, { ...calls, feedbackCount: 1, feedbackMilli: 100 });
  await add(at, NOON - 400 * DAY_MS, calls);
  const usage = createUsageSource(at.redis, at.namespace);
  const [model, ...others] = await usage.total(NOON);
  expect(others).toEqual([]);
  expect(model).toMatchObject({
    provider: "openai",
    model: "m",
    costMicroUsd: 10,
    feedback: { count: 4, scoreSum: 0.4 },
  });
  expect(model?.outcomes).toEqual(
    new Map([
      ["succeeded", 8],
      ["timeout", 4],
    ]),
  );
  expect(model?.latencies).toEqual(new Map([[40, 8]]));
  expect(model?.tokens.input).toBe(20);
  expect(await usage.today(NOON)).toMatchObject([{ costMicroUsd: 2.5 }]);
});

it("reads the last three days each time, and the days before once an hour and after midnight", async () => {
  await using at = await openNamespace();
  const usage = createUsageSource(at.redis, at.namespace);
  const countAt = async (now: number): Promise<number | undefined> => await callsOf(usage, now);
  await add(at, NOON - 3 * DAY_MS, { requests: 10 });
  expect(await countAt(NOON)).toBe(10);
  await add(at, NOON - 2 * DAY_MS, { requests: 1 });
  await add(at, NOON - 3 * DAY_MS, { requests: 10 });
  expect(await countAt(NOON + 1000)).toBe(11);
  expect(await countAt(NOON + HOUR_MS + 1000)).toBe(21);
  await add(at, NOON - 3 * DAY_MS, { requests: 10 });
  const lateEvening = NOON + 12 * HOUR_MS - 1000;
  expect(await countAt(lateEvening)).toBe(31);
  expect(await countAt(lateEvening + 2000), "the day that was new is among the others now, and counted once").toBe(31);
});

it("asks again after Redis did not answer", async () => {
  await using at = await openNamespace();
  await add(at, NOON - 3 * DAY_MS, { requests: 10 });
  const lost = at.redis.duplicate({ lazyConnect: true, enableOfflineQueue: false });
  lost.on("error", () => undefined);
  const usage = createUsageSource(lost, at.namespace);
  await expect(usage.total(NOON)).rejects.toThrow("Stream isn't writeable");
  await waitFor(() => lost.status === "ready");
  expect(await callsOf(usage, NOON)).toBe(10);
  lost.disconnect();
});
