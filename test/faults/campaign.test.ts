import { expect, it } from "vitest";
import { findBroken, renderReport } from "../campaign/report.ts";
import { runCampaign } from "../campaign/run-campaign.ts";
import { planEvents } from "../campaign/plan.ts";
import { ALL_FAULTS, FAULT_SEED } from "../support/faults/fault-mode.ts";

/* A short campaign; `npm run test:campaign -- --help` tells of longer ones. FAULT_SEED replays one. */

const EVENTS = { kill: 4, stop: 0, restart: 3, redisKill: 1, partition: 0, storm: 1 };

it(`a campaign: kills, restarts, a Redis that dies and a storm, and the books balance (seed ${FAULT_SEED})`, async () => {
  const outcome = await runCampaign({
    ...{ seed: FAULT_SEED, jobs: ALL_FAULTS ? 1000 : 150, workers: 3, concurrency: 4 },
    events: ALL_FAULTS ? { kill: 20, stop: 2, restart: 10, redisKill: 3, partition: 1, storm: 3 } : EVENTS,
    ...{ meanPauseMs: 500, partitionMs: 10_000, meanAnswerMs: 125, onProgress: () => undefined },
  });
  expect(findBroken(outcome), renderReport(outcome)).toEqual([]);
  expect(outcome.log.done).toMatchObject({ kill: ALL_FAULTS ? 20 : 4 });
}, 600_000);

it("what happens in a campaign, and when, follows from its seed", () => {
  const plan = (seed: string) => planEvents(EVENTS, { seed, meanPauseMs: 500 });
  expect(plan("1")).toEqual(plan("1"));
  expect(plan("1")).not.toEqual(plan("2"));
  expect(
    plan("1")
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual([...Array<string>(4).fill("kill"), "redisKill", ...Array<string>(3).fill("restart"), "storm"]);
});
