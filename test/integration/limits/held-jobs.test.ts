import { expect, it } from "vitest";
import { ADA, NORI } from "../../support/generation-system.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

async function command(fleet: WorkerFleet, ...args: string[]): Promise<void> {
  expect(await fleet.cli(...args)).toMatchObject({ code: 0 });
}

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
