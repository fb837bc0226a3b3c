import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { startLimitedVendor } from "../../support/limited-vendor.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

const LIMIT = { requestsPerMinute: 600 };

it("replies go before bulk jobs that were enqueued long before them, and bulk goes on", async () => {
  await using vendor = await startLimitedVendor({ ...LIMIT, medianLatencyMs: 30 });
  const settings = { limits: [{ provider: "openai", ...LIMIT }] };
  await using fleet = await startFleet({ openai: vendor, settings, agents: [NORI] });
  const bulk = await fleet.enqueue(80, { name: "bulk", agent: "nori", urgency: "bulk" });
  await expect.poll(() => vendor.calls.length).toBeGreaterThan(15);
  const before = vendor.calls.length;
  const replies = await fleet.enqueue(5, { name: "reply", agent: "nori", urgency: "reply" });
  await fleet.results(replies);
  const order = vendor.calls.map(({ marker }) => marker ?? "");
  const last = Math.max(...replies.map((id) => order.indexOf(id)));
  // Ten slots were granted for the next second, and as many more may pass until all five are taken.
  expect(last - before).toBeLessThan(25);
  expect(order.length, "most of the bulk is still to be done").toBeLessThan(60);
  for (const { status } of await fleet.results(bulk)) expect(status).toBe("succeeded");
  expect(vendor.counts()).toMatchObject({ accepted: 85, refused: 0 });
  await fleet.expectAccounted(85);
});

it("a job whose deadline passes while it waits ends as expired, uncalled and unbilled", async () => {
  await using vendor = await startLimitedVendor({ ...LIMIT, medianLatencyMs: 30 });
  const settings = { limits: [{ provider: "openai", ...LIMIT }] };
  await using fleet = await startFleet({ openai: vendor, settings, agents: [NORI] });
  const bulk = await fleet.enqueue(50, { name: "bulk", agent: "nori" });
  const late = await fleet.enqueue(5, { name: "late", agent: "nori", urgency: "bulk", deadline: Date.now() + 1500 });
  for (const result of await fleet.results(late)) {
    expect(result).toMatchObject({ status: "expired", attempts: [], costMicroUsd: 0 });
    expect(result.status === "expired" && result.reason).toMatch(/its deadline \d{4}-.*Z (is over|comes before)/);
  }
  await fleet.results(bulk);
  expect(vendor.calls.map(({ marker }) => marker).filter((marker) => marker?.startsWith("late"))).toEqual([]);
  await fleet.expectAccounted(50);
});

it("a lane whose provider hangs takes nothing from another one", async () => {
  await using openai = await startRecordedServer(hang);
  await using grok = await startRecordedServer();
  const other = { id: "echo", name: "Echo", llm_provider: "grok", llm_config: { model: "grok-4.3" } };
  await using fleet = await startFleet({ openai, grok, agents: [NORI, other] });
  await fleet.enqueue(100, { name: "hanging", agent: "nori" });
  await openai.seen(2);
  const results = await fleet.results(await fleet.enqueue(200, { name: "healthy", agent: "echo" }));
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["succeeded"]));
  expect(grok.calls).toHaveLength(200);
  expect(openai.calls.filter(({ state }) => state === "open").length, "they still hang").toBeGreaterThan(1);
});
