import { expect, it } from "vitest";
import { readBacklogs, type LaneBacklog } from "../../../src/queue/lane-backlog.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { NORI, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { connectTestRedis } from "../../support/redis.ts";

const LANE = "openai~gpt-6-luna";
const MINUTE_MS = 60_000;

async function backlogs({ namespace }: GenerationSystem, now = Date.now()): Promise<LaneBacklog[]> {
  await using redis = await connectTestRedis({ maxRetriesPerRequest: null });
  const queues = createLaneQueues(redis, namespace);
  try {
    return await readBacklogs({ redis, namespace, queues }, now);
  } finally {
    await queues.close();
  }
}

it("tells how many jobs could be taken, how long the oldest has been there, and when the lane moved", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai, agents: [NORI] });
  expect(await backlogs(system), "an empty lane").toEqual([]);
  const before = Date.now();
  await system.producer.enqueue({ kind: "tweet", agent: "nori" });
  await system.producer.enqueue({ kind: "reply", agent: "nori", mention: "Hello?" });
  const [waiting] = await backlogs(system);
  expect(waiting).toMatchObject({ title: "openai/gpt-6-luna", ready: 2, movedAt: null, isPaused: false });
  expect(waiting?.oldestAt).toBeGreaterThanOrEqual(before);

  const worker = await system.startWorker();
  await openai.seen(2);
  await worker.stop();
  const inputs = Array.from({ length: 150 }, () => ({ kind: "tweet", agent: "nori" }) as const);
  await system.producer.enqueueMany(inputs);
  const [moved] = await backlogs(system);
  expect(moved?.ready).toBe(150);
  expect(moved?.movedAt, "also behind the events of many that were added").toBeGreaterThanOrEqual(before);
  expect(moved?.movedAt).toBeLessThanOrEqual(Date.now());
});

it("a delayed job counts when its time is long over and no worker has looked", async () => {
  await using system = await startSystem({ agents: [NORI] });
  await system.lane(LANE).add("generate", {}, { delay: MINUTE_MS });
  expect(await backlogs(system)).toEqual([]);
  expect(await backlogs(system, Date.now() + 90_000), "a worker may be about to").toEqual([]);
  expect(await backlogs(system, Date.now() + 3 * MINUTE_MS)).toMatchObject([{ ready: 1 }]);
});
