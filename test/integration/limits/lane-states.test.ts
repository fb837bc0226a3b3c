import type { Queue } from "bullmq";
import { describe, expect, it } from "vitest";
import { connectRedis } from "../../../src/platform/redis.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { readLaneStates, type LaneState } from "../../../src/queue/lane-states.ts";
import { pauseTarget, type PauseTarget } from "../../../src/queue/operator-pauses.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";
import { watchCommands } from "../../support/watch-commands.ts";

const ALONE = "openai~gpt-6-luna";
const PAIR = "openai~gpt-6-luna>grok~grok-4.3";

/** Reads as the monitor does. */
async function openReader({ namespace }: GenerationSystem) {
  const redis = connectRedis({ url: testRedisUrl() }, "producer");
  const queueRedis = connectRedis({ url: testRedisUrl() }, "producer-queue");
  const queues = createLaneQueues(queueRedis, namespace);
  const parts = { redis, namespace, queues };
  return {
    async read(): Promise<Readonly<Record<string, LaneState>>> {
      return Object.fromEntries((await readLaneStates(parts)).map((state) => [state.lane.name, state]));
    },
    pause: async (target: PauseTarget) => await pauseTarget(target, parts),
    async [Symbol.asyncDispose]() {
      await queues.close();
      for (const connection of [redis, queueRedis]) connection.disconnect();
    },
  };
}

const EMPTY = { waiting: 0, active: 0, delayed: 0, failed: 0 };

describe("readLaneStates", () => {
  it("counts the jobs of each lane by state, and tells since when the next one waits", async () => {
    await using system = await startSystem();
    await using reader = await openReader(system);
    expect(await reader.read()).toMatchObject({
      [ALONE]: { lane: { chain: "openai/gpt-6-luna" }, counts: EMPTY, oldestAt: null, isPaused: false },
      quarantine: { counts: EMPTY, oldestAt: null, isPaused: false, operatorPauses: [] },
    });
    const lane = system.lane(ALONE);
    const add = async (timestamp: number, options: object) => await lane.add("generate", {}, { timestamp, ...options });
    await add(3000, { priority: 7 });
    await add(2000, { priority: 7 });
    await add(5000, {});
    await add(4000, {});
    await add(1000, { delay: 3600_000 });
    const counts = { ...EMPTY, waiting: 4, delayed: 1 };
    expect((await reader.read())[ALONE], "the first one that was added is next").toMatchObject({
      counts,
      oldestAt: 3000,
    });
    for (const { id = "" } of await lane.getJobs("prioritized")) await lane.remove(id);
    expect((await reader.read())[ALONE], "the first reply is next").toMatchObject({ oldestAt: 5000 });
    expect((await reader.read())[PAIR]).toMatchObject({ counts: EMPTY, oldestAt: null });
  });

  it("knows jobs that have failed", async () => {
    await using system = await startSystem({ openai: "http://127.0.0.1:1/v1" });
    await using reader = await openReader(system);
    await system.startWorker();
    expect(await system.run({ kind: "tweet", agent: "nori" })).toMatchObject({ status: "failed" });
    await waitFor(async () => (await reader.read())[ALONE]?.counts.failed === 1);
    expect((await reader.read())[ALONE]?.counts).toEqual({ ...EMPTY, failed: 1 });
  });

  it("knows what operators have paused, and which lanes stand still for that or by Bull Board", async () => {
    await using system = await startSystem();
    await using reader = await openReader(system);
    await reader.pause({ what: "provider", name: "openai" });
    const paused = { operatorPauses: [{ what: "provider", name: "openai", sinceAt: expect.any(Number) as number }] };
    expect(await reader.read()).toMatchObject({
      [ALONE]: { isPaused: true, ...paused },
      [PAIR]: { isPaused: false, ...paused },
      quarantine: { isPaused: false, operatorPauses: [] },
    });
    await system.lane(PAIR).pause();
    await reader.pause({ what: "lane", name: ALONE });
    await reader.pause({ what: "all" });
    const states = await reader.read();
    const seen = Object.entries(states).map(([name, { isPaused, operatorPauses }]) => {
      return [name, isPaused, ...operatorPauses.map(({ what }) => what).sort()];
    });
    expect(new Set(seen)).toEqual(
      new Set([
        [ALONE, true, "all", "lane", "provider"],
        [PAIR, true, "all", "provider"],
        ["quarantine", true, "all"],
      ]),
    );
  });

  it("asks for a handful of numbers a lane, however many jobs there are", async () => {
    await using system = await startSystem();
    await using reader = await openReader(system);
    const lanes = Array.from({ length: 40 }, (_, index) => `openai~m${index}`);
    await system.redis.hset(system.keys.lanes, Object.fromEntries(lanes.map((name) => [name, name.replace("~", "/")])));
    await addMany(system.lane("openai~m0"), 3000);
    await reader.read();
    await using seen = await commandsOf(system);
    expect((await reader.read())["openai~m0"]).toMatchObject({ counts: { waiting: 3000 }, oldestAt: 1 });
    await system.redis.echo(seen.end);
    await waitFor(() => seen.isOver());
    expect(seen.commands().length).toBeLessThan(9 * (lanes.length + 4));
    expect([...new Set(seen.commands())].sort()).toEqual([
      "hexists",
      "hget",
      "hgetall",
      "lindex",
      "llen",
      "zcard",
      "zrange",
    ]);
  });
});

async function addMany(lane: Queue, count: number): Promise<void> {
  await lane.addBulk(
    Array.from({ length: count }, (_, index) => ({ name: "x", data: {}, opts: { priority: 1, timestamp: index + 1 } })),
  );
}

/** Commands about the system's keys, until `end` is echoed. */
async function commandsOf({ namespace }: GenerationSystem) {
  const end = `end ${namespace}`;
  const commands: string[] = [];
  let over = false;
  const watch = await watchCommands((name, first) => {
    if (first === end) over = true;
    else if (!over && first.startsWith(`{${namespace}`)) commands.push(name);
  });
  return {
    end,
    isOver: () => over,
    commands: () => commands,
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}
