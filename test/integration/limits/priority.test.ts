import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { startLimitedVendor } from "../../support/limited-vendor.ts";
import { recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

/** 10 a second. */
const REQUESTS_PER_MINUTE = 600;
const SETTINGS = { limits: [{ provider: "openai", requestsPerMinute: REQUESTS_PER_MINUTE, burstSeconds: 0.7 }] };
/**
 * Calls that may still be made before one that is more in a hurry: slots are granted a second ahead, and a lane whose next
 * slot is further ahead than that stands still for up to another second.
 */
const SLOTS_AHEAD = (2 * REQUESTS_PER_MINUTE) / 60;

it("replies overtake the bulk jobs that have no slot yet, and those go on", async () => {
  await using vendor = await startLimitedVendor({ requestsPerMinute: REQUESTS_PER_MINUTE, medianLatencyMs: 30 });
  await using fleet = await startFleet({ openai: vendor, settings: SETTINGS, agents: [NORI] });
  await fleet.enqueue(300, { name: "bulk", agent: "nori", urgency: "bulk" });
  const called = (name: string): number => vendor.calls.filter(({ marker }) => marker?.startsWith(name)).length;
  await expect.poll(() => called("bulk"), { timeout: 10_000 }).toBeGreaterThan(15);

  for (let round = 0; round < 4; round++) {
    const before = vendor.calls.length;
    const name = `reply-${round}`;
    const results = await fleet.results(await fleet.enqueue(2, { name, agent: "nori", urgency: "reply" }));
    expect(results.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
    const overtaken = vendor.calls.slice(before).findLastIndex(({ marker }) => marker?.startsWith(name) === true);
    expect(overtaken).toBeLessThanOrEqual(SLOTS_AHEAD + 2);
  }
  const soFar = called("bulk");
  await expect.poll(() => called("bulk"), { timeout: 10_000 }).toBeGreaterThan(soFar + 10);
  expect(called("bulk")).toBeLessThan(300);
  expect(vendor.counts().refused).toBe(0);
});

it("a job whose deadline passes while it waits for its turn ends without a call", async () => {
  await using vendor = await startLimitedVendor({ requestsPerMinute: REQUESTS_PER_MINUTE });
  await using fleet = await startFleet({ openai: vendor, settings: SETTINGS, agents: [NORI] });
  const ids = await fleet.enqueue(40, { name: "job", agent: "nori" });
  const deadline = Date.now() + 1000;
  const [late] = await fleet.results(
    await fleet.enqueue(1, { name: "late", agent: "nori", urgency: "bulk", deadline }),
  );
  expect(late).toMatchObject({ status: "expired", attempts: [], costMicroUsd: 0 });
  expect(late?.status === "expired" && late.reason).toBe(`its deadline ${new Date(deadline).toISOString()} is over`);
  const results = await fleet.results(ids);
  expect(results.map(({ status }) => status)).toEqual(ids.map(() => "succeeded"));
  expect(vendor.calls.filter(({ marker }) => marker === "late-0")).toEqual([]);
  await fleet.expectAccounted(ids.length);
});

it("a job that cannot be called again before its deadline ends, and tells what was tried", async () => {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const limited = { response: { ...response, headers: { ...response.headers, "retry-after": "60" } } };
  await using openai = await startRecordedServer(limited);
  await using fleet = await startFleet({ processes: 1, openai, agents: [NORI] });
  const deadline = Date.now() + 20_000;
  const [result] = await fleet.results(await fleet.enqueue(1, { name: "job", agent: "nori", deadline }));
  expect(result).toMatchObject({
    ...{ status: "expired", costMicroUsd: 0 },
    attempts: [{ outcome: "rate-limited", costMicroUsd: 0 }],
  });
  expect(result?.status === "expired" && result.reason).toMatch(
    new RegExp(
      `^its deadline ${new Date(deadline).toISOString()} comes before the next attempt; ` +
        "openai/gpt-6-luna: .*rate-limited",
    ),
  );
  await fleet.expectAccounted(1);
});
