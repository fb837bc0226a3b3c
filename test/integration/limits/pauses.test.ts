import { expect, it } from "vitest";
import { ADA, NORI } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

/** Slow enough that there is work left when the pause comes: ten a second. */
const PACED = { limits: [{ provider: "openai", requestsPerMinute: 600, burstSeconds: 0.1 }] };

async function command(fleet: WorkerFleet, ...args: string[]): Promise<void> {
  expect(await fleet.cli(...args)).toMatchObject({ code: 0 });
}

it("pause all: no process calls any more, those that wait for slots included; resume all: everything is done", async () => {
  await using openai = await startRecordedServer();
  await using fleet = await startFleet({ openai, agents: [NORI], settings: PACED });
  const ids = await fleet.enqueue(40, { name: "job", agent: "nori" });
  await openai.seen(5);
  await command(fleet, "pause", "all");
  await openai.idle();
  const calls = openai.calls.length;
  expect(calls).toBeLessThan(40);
  const later = await fleet.enqueue(5, { name: "later", agent: "nori" });
  const lane = fleet.lane("openai~gpt-6-luna");
  await expect.poll(async () => await lane.getActiveCount(), { timeout: 10_000 }).toBe(0);
  expect(await lane.isPaused()).toBe(true);
  expect(openai.calls.length, "calls while paused").toBe(calls);
  await command(fleet, "resume", "all");
  for (const { status } of await fleet.results([...ids, ...later])) expect(status).toBe("succeeded");
  expect(openai.calls.length).toBe(45);
  await fleet.expectAccounted(45);
});

it("pause a provider: agents with a fall-back use it, lanes without one stand still until it is resumed", async () => {
  await using openai = await startRecordedServer();
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ openai, grok, agents: [ADA, NORI] });
  await command(fleet, "pause", "openai");
  const withFallBack = await fleet.results(await fleet.enqueue(10, { name: "ada", agent: "ada" }));
  for (const { attempts } of withFallBack) expect(attempts.map(({ provider }) => provider)).toEqual(["grok"]);
  const alone = await fleet.enqueue(10, { name: "nori", agent: "nori" });
  expect(await fleet.lane("openai~gpt-6-luna").isPaused()).toBe(true);
  expect(openai.calls).toHaveLength(0);
  await command(fleet, "resume", "openai");
  for (const { status } of await fleet.results(alone)) expect(status).toBe("succeeded");
  await fleet.expectAccounted(20);
});

it("a lane that appears while everything is paused stands still as well, and goes on afterwards", async () => {
  await using openai = await startRecordedServer();
  await using fleet = await startFleet({ openai, agents: [NORI] });
  await command(fleet, "pause", "all");
  // Nobody has paused this lane's queue: the first worker that takes a job does.
  await fleet.lane("openai~gpt-6-luna").resume();
  const ids = await fleet.enqueue(5, { name: "job", agent: "nori" });
  await expect.poll(async () => await fleet.lane("openai~gpt-6-luna").isPaused(), { timeout: 10_000 }).toBe(true);
  expect(openai.calls).toHaveLength(0);
  await command(fleet, "resume", "all");
  for (const { status } of await fleet.results(ids)) expect(status).toBe("succeeded");
});

it("pausing and resuming again and again leaves nothing stuck", async () => {
  await using openai = await startRecordedServer();
  await using fleet = await startFleet({ openai, agents: [NORI], settings: PACED });
  const ids = await fleet.enqueue(30, { name: "job", agent: "nori" });
  for (let round = 0; round < 4; round++) {
    await command(fleet, "pause", "all");
    await command(fleet, "resume", "all");
  }
  for (const { status } of await fleet.results(ids)) expect(status).toBe("succeeded");
  await fleet.expectAccounted(30);
});

it("a job whose fall-back this worker cannot call waits for itself: its lane goes on, and a pause in Bull Board stays", async () => {
  await using openai = await startRecordedServer();
  // No key for Ada's fall-back.
  await using fleet = await startFleet({ processes: 1, openai, agents: [ADA] });
  await command(fleet, "pause", "openai");
  const [id = ""] = await fleet.enqueue(1, { name: "job", agent: "ada" });
  const lane = fleet.lane("openai~gpt-6-luna>grok~grok-4.3");
  await expect.poll(async () => await lane.getDelayedCount(), { timeout: 10_000 }).toBe(1);
  expect(await lane.isPaused()).toBe(false);
  await command(fleet, "resume", "openai");
  expect(await fleet.results([id])).toMatchObject([{ status: "succeeded" }]);
  const starts = (await lane.getJob(`j_${id}`))?.attemptsStarted ?? 0;
  expect(starts, "it was looked at every five seconds, not all the time").toBeLessThan(10);
});
