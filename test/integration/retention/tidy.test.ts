import { expect, it } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import { tidy } from "../../../src/queue/tidy.ts";
import { RETENTION } from "../../support/attempts.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";

const LANE = "fake~fake-1";
const FAY = { id: "fay", name: "Fay", llm_provider: "fake" };
const DAY_MS = 24 * 3600_000;

async function tidyUp({ redis, namespace, lane }: GenerationSystem): Promise<void> {
  const queues = { get: lane, close: async () => undefined };
  await tidy({ redis, namespace, queues, retention: RETENTION, clock: systemClock });
}

it("finished jobs of a quiet lane go when they are a day old", async () => {
  await using system = await startSystem({ agents: [FAY] });
  const { redis, lane } = system;
  await system.startWorker();
  for (const id of ["old", "new"]) {
    await system.run({ kind: "tweet", agent: "fay", id });
    await system.queued(LANE, id, "completed");
  }
  const finishedOn = Date.now() - DAY_MS - 1000;
  await redis.zadd(lane(LANE).toKey("completed"), finishedOn, "j_old");
  await redis.hset(lane(LANE).toKey("j_old"), "finishedOn", finishedOn);
  await tidyUp(system);
  expect((await lane(LANE).getCompleted()).map(({ id }) => id)).toEqual(["j_new"]);
  expect(await redis.exists(lane(LANE).toKey("j_old"))).toBe(0);
  expect(await system.resultOf("old")).toMatchObject({ status: "succeeded" });
});

it("names of limit groups and keys go with what is known of them", async () => {
  await using system = await startSystem();
  const { redis, keys } = system;
  const [group, key, gone] = ["openai/gpt#1a2b3c4d", "openai#1a2b3c4d", "openai/gpt#00000000"];
  await redis.sadd(keys.knownLimits, group, key, gone);
  await redis.hset(keys.limitGroup(group), "seen", 1);
  await redis.hset(keys.credential(key), "pausedUntil", 1);
  await tidyUp(system);
  expect((await redis.smembers(keys.knownLimits)).sort()).toEqual([key, group].sort());
});
