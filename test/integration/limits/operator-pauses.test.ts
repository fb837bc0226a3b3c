import { expect, it } from "vitest";
import { composeOperator } from "../../../src/compose-operator.ts";
import { DEFAULT_CONFIG } from "../../../src/config/config-file.ts";
import { ADA, NORI } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../../support/recorded-server.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const NORIS_LANE = "openai~gpt-6-luna";
/** 20 a second, so that there are jobs left to be paused. */
const PACED = { limits: [{ provider: "openai", requestsPerMinute: 1200 }] };

/** Nobody has a slot any more, and no call is under way. */
async function stillStands(fleet: WorkerFleet, server: RecordedServer): Promise<void> {
  const intents = `{${fleet.namespace}}:intents:*`;
  await expect.poll(async () => await fleet.redis.keys(intents), { timeout: 10_000 }).toEqual([]);
  await server.idle();
}

async function runCli(fleet: WorkerFleet, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fleet.cli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

it("pause all: no call begins any more and no job is lost; resume all: everything is done", async () => {
  await using openai = await startRecordedServer();
  await using fleet = await startFleet({ processes: 3, openai, settings: PACED, agents: [NORI] });
  const ids = await fleet.enqueue(100, { name: "job", agent: "nori" });
  await openai.seen(15);
  expect(await runCli(fleet, "pause", "all")).toContain("everything is paused");
  await stillStands(fleet, openai);

  const calls = openai.calls.length;
  expect(calls).toBeLessThan(ids.length);
  const later = await fleet.enqueue(10, { name: "later", agent: "nori", urgency: "reply" });
  const health: unknown = JSON.parse(await runCli(fleet, "health", "--json"));
  expect(health).toMatchObject({ operatorPauses: [{ what: "all" }] });
  expect(openai.calls, "the workers live, and leave it alone").toHaveLength(calls);
  for (const worker of fleet.workers) expect(worker.stderr).not.toContain("stopping");
  const lane = fleet.lane(NORIS_LANE);
  await expect
    .poll(async () => await lane.getJobCounts("completed", "failed"))
    .toEqual({ completed: calls, failed: 0 });
  const counts = await lane.getJobCounts();
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  expect(total, "all jobs are in the queue").toBe(ids.length + later.length);

  expect(await runCli(fleet, "resume", "all")).toBe("the pause of everything is over\n");
  const results = await fleet.results([...ids, ...later]);
  expect(results.map(({ status }) => status)).toEqual(results.map(() => "succeeded"));
  expect(openai.calls).toHaveLength(ids.length + later.length);
  await fleet.expectAccounted(openai.calls.length);
});

it("pause of a provider: chains go on with the next one, lanes without one stand still until it is resumed", async () => {
  await using openai = await startRecordedServer();
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ openai, grok, agents: [ADA, NORI] });
  await runCli(fleet, "pause", "openai");
  const waiting = await fleet.enqueue(10, { name: "waiting", agent: "nori" });
  const results = await fleet.results(await fleet.enqueue(30, { name: "job", agent: "ada" }));
  expect(results.map(({ attempts }) => attempts.map(({ provider }) => provider))).toEqual(results.map(() => ["grok"]));
  expect(await fleet.lane(NORIS_LANE).isPaused()).toBe(true);
  expect([openai.calls.length, grok.calls.length]).toEqual([0, 30]);

  await runCli(fleet, "resume", "openai");
  const resumed = await fleet.results(waiting);
  expect(resumed.map(({ status }) => status)).toEqual(resumed.map(() => "succeeded"));
  const [next] = await fleet.results(await fleet.enqueue(1, { name: "next", agent: "ada" }));
  expect(next).toMatchObject({ status: "succeeded", provider: "openai" });
  expect([openai.calls.length, grok.calls.length]).toEqual([11, 30]);
  await fleet.expectAccounted(41);
});

it("pausing and resuming in quick turn leaves nothing behind that stands still", async () => {
  await using openai = await startRecordedServer();
  await using fleet = await startFleet({ processes: 3, openai, settings: PACED, agents: [NORI] });
  const { namespace } = fleet;
  await using operator = composeOperator({
    config: { namespace, file: DEFAULT_CONFIG },
    address: { url: testRedisUrl() },
  });
  const ids = await fleet.enqueue(80, { name: "job", agent: "nori" });
  await openai.seen(5);
  for (let round = 0; round < 10; round++) {
    const target = round % 2 === 0 ? ({ what: "all" } as const) : ({ what: "provider", name: "openai" } as const);
    await operator.pause(target);
    await operator.resume(target);
    // Now and then jobs go on in between: so some are told of a pause while they wait, and some come anew.
    if (round % 3 === 2) await openai.seen(Math.min(ids.length, openai.calls.length + 1));
  }
  const results = await fleet.results(ids);
  expect(results.map(({ status }) => status)).toEqual(ids.map(() => "succeeded"));
  expect(await fleet.lane(NORIS_LANE).isPaused()).toBe(false);
  expect(openai.calls).toHaveLength(ids.length);
  await fleet.expectAccounted(ids.length);
});
