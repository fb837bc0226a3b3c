import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ADA, NORI } from "../../support/generation-system.ts";
import { startLimitedVendor } from "../../support/limited-vendor.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const JOBS = 200;
const PROCESSES = 2;
const CONCURRENCY = 16;
const NORIS_LANE = "openai~gpt-6-luna";
/** Grok alone. */
const GEM = { ...ADA, id: "gem", name: "Gem", llm_provider: "grok", llm_config: { model: "grok-4.3" } };
const FLEET = { processes: PROCESSES, concurrency: CONCURRENCY, agents: [NORI, GEM] };

/** Both lanes get their jobs, first the one that cannot go on; resolves when the other is through. */
async function workOffBeside(fleet: WorkerFleet): Promise<void> {
  await fleet.enqueue(JOBS, { name: "stuck", agent: "nori" });
  const results = await fleet.results(await fleet.enqueue(JOBS, { name: "other", agent: "gem" }));
  expect(results.map(({ status }) => status)).toEqual(results.map(() => "succeeded"));
}

async function finished(fleet: WorkerFleet): Promise<Record<string, number>> {
  return await fleet.lane(NORIS_LANE).getJobCounts("completed", "failed");
}

it("a lane whose provider hangs does not hold the others up", async () => {
  await using openai = await startRecordedServer(hang);
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ ...FLEET, openai, grok });
  await workOffBeside(fleet);
  expect(grok.calls).toHaveLength(JOBS);
  expect(openai.calls.length, "nothing but what hangs").toBeLessThanOrEqual(PROCESSES * (CONCURRENCY + 2));
  expect(await finished(fleet)).toEqual({ completed: 0, failed: 0 });
});

it("a lane whose calls are long takes more jobs while there is room", async () => {
  await using openai = await startRecordedServer(hang);
  await using fleet = await startFleet({ ...FLEET, processes: 1, concurrency: 4, openai });
  for (let jobs = 1; jobs <= 4; jobs++) {
    await fleet.enqueue(1, { name: `long-${jobs}`, agent: "nori" });
    await openai.seen(jobs);
    // Longer than after which a lane is taken to stand still, and counts no more.
    await sleep(1500);
  }
});

it("a lane of long calls takes the room that another leaves, before any of them ends", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using openai = await startRecordedServer(hang);
  await using grok = await startRecordedServer(async () => {
    await released;
    return completionAnswer({ model: "grok-4.3" });
  });
  await using fleet = await startFleet({ ...FLEET, processes: 1, concurrency: 4, openai, grok });
  const first = await fleet.enqueue(4, { name: "first", agent: "gem" });
  await grok.seen(4);
  await fleet.enqueue(3, { name: "long", agent: "nori" });
  await openai.seen(1);
  release();
  await fleet.results(first);
  await openai.seen(3);
});

it("a lane whose provider has a small limit does not slow the others down", async () => {
  await using openai = await startLimitedVendor({ requestsPerMinute: 300, medianLatencyMs: 30 });
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  const settings = {
    limits: [
      { provider: "openai", requestsPerMinute: 300, burstSeconds: 0.7 },
      { provider: "grok", requestsPerMinute: 1e9 },
    ],
  };
  await using fleet = await startFleet({ ...FLEET, openai, grok, settings });
  await workOffBeside(fleet);
  expect(grok.calls).toHaveLength(JOBS);
  const { completed, failed } = await finished(fleet);
  expect(failed).toBe(0);
  // 40 s of its limit. That it refuses nothing shows that it was kept.
  expect(completed).toBeLessThan(JOBS / 2);
  expect(openai.counts()).toMatchObject({ refused: 0 });
});

it("a lane whose provider is out of money does not hold the others up, and its jobs wait", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/429-insufficient-quota.json"));
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ ...FLEET, openai, grok });
  await workOffBeside(fleet);
  expect(grok.calls).toHaveLength(JOBS);
  const { completed, failed } = await finished(fleet);
  expect(completed).toBe(0);
  // Those that were called before the first answer was there have no other provider to ask.
  expect(openai.calls.length).toBeLessThanOrEqual(PROCESSES * (CONCURRENCY + 2));
  expect(failed).toBeLessThanOrEqual(openai.calls.length);
});
