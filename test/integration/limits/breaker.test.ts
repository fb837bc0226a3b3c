import { expect, it } from "vitest";
import { z } from "zod";
import { ADA, NORI } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../../support/recorded-server.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const MIN_CALLS = 5;
const BROKEN = recordedAnswer("openai/500-server-error.json");
const NORIS_LANE = "openai~gpt-6-luna";

const healthSchema = z.object({ groups: z.array(z.object({ name: z.string(), state: z.string() })) });

async function healthOf(fleet: WorkerFleet, provider: string): Promise<string | undefined> {
  const { stdout, stderr } = await fleet.cli("health", "--json");
  expect(stderr).toBe("");
  return healthSchema.parse(JSON.parse(stdout)).groups.find(({ name }) => name.startsWith(`${provider}/`))?.state;
}

/** Waits for Redis to say so, and for the calls that were under way. */
async function isOpen(fleet: WorkerFleet, server: RecordedServer): Promise<void> {
  await expect
    .poll(async () => (await fleet.limitGroup("openai/"))["breaker"], { timeout: 10_000 })
    .toMatch(/^(?:open|half-open)$/);
  await server.idle();
}

it("a provider that fails is left alone by all processes: the fall-back does everything, who has none waits", async () => {
  await using openai = await startRecordedServer(BROKEN);
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  const settings = { breaker: { minCalls: MIN_CALLS, openSeconds: 60 }, retries: { failOverAfter: { scheduled: 1 } } };
  await using fleet = await startFleet({ openai, grok, settings, agents: [ADA, NORI] });
  const first = await fleet.results(await fleet.enqueue(20, { name: "first", agent: "ada" }));
  expect(first.map(({ status }) => status)).toEqual(first.map(() => "succeeded"));
  await isOpen(fleet, openai);

  const calls = openai.calls.length;
  expect(calls).toBeGreaterThanOrEqual(MIN_CALLS);
  const waiting = await fleet.enqueue(5, { name: "waiting", agent: "nori" });
  const next = await fleet.results(await fleet.enqueue(50, { name: "next", agent: "ada" }));
  expect(next.map(({ attempts }) => attempts.map(({ provider }) => provider))).toEqual(next.map(() => ["grok"]));
  expect(await healthOf(fleet, "openai")).toBe("circuit-open");
  expect(openai.calls).toHaveLength(calls);

  const counts = await fleet.lane(NORIS_LANE).getJobCounts("delayed", "waiting", "active", "completed", "failed");
  expect(counts).toMatchObject({ completed: 0, failed: 0 });
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  expect(total, "all of them are still there").toBe(waiting.length);
  await fleet.expectAccounted(openai.calls.length + grok.calls.length);
});

it("after the open time one call tries; when it succeeds everything drains", async () => {
  const fleetIsThere = Promise.withResolvers<WorkerFleet>();
  const probeMayEnd = Promise.withResolvers<void>();
  let works = false;
  let probes = 0;
  /** Fails until the breaker lets a probe through, and keeps that one waiting. */
  const answer: Answer = async () => {
    if (works) return completionAnswer();
    const { breaker } = await (await fleetIsThere.promise).limitGroup("openai/");
    if (breaker !== "half-open") return BROKEN;
    probes++;
    await probeMayEnd.promise;
    return completionAnswer();
  };
  await using openai = await startRecordedServer(answer);
  // Attempts enough to be there still when it works again.
  const settings = { breaker: { minCalls: MIN_CALLS, openSeconds: 1 }, retries: { attempts: 10, baseSeconds: 0.1 } };
  await using fleet = await startFleet({ openai, settings, agents: [NORI] });
  fleetIsThere.resolve(fleet);
  const ids = await fleet.enqueue(20, { name: "job", agent: "nori" });
  await expect.poll(() => probes, { timeout: 10_000 }).toBe(1);
  const calls = openai.calls.length;
  expect(await healthOf(fleet, "openai")).toBe("probing");
  expect({ probes, calls: openai.calls.length }, "one probe, of all processes").toEqual({ probes: 1, calls });

  works = true;
  probeMayEnd.resolve();
  const results = await fleet.results(ids);
  expect(results.map(({ status }) => status)).toEqual(ids.map(() => "succeeded"));
  expect(await healthOf(fleet, "openai")).toBe("ok");
  await fleet.expectAccounted(openai.calls.length);
});
