import { expect, it } from "vitest";
import { createProducer, InvalidInputError, RedisUnavailableError } from "../../../src/index.ts";
import { testNamespace, testRedisUrl } from "../../support/redis.ts";
import { FAKE } from "./schedule-system.ts";

const AGENT = { ...FAKE, schedule: { cron: "@daily", topics: ["fog"] } };

it("a producer stores the schedules of its agents, lists and removes them", async () => {
  const namespace = testNamespace();
  await using producer = await createProducer({ redisUrl: testRedisUrl(), namespace, agents: [AGENT] });
  expect(await producer.schedules.sync()).toMatchObject([{ agentId: "ada", change: "added" }]);
  expect(await producer.schedules.list({ next: 2 })).toMatchObject([
    { agentId: "ada", schedule: { topics: [{ topic: "fog" }] }, nextAt: [expect.any(Number), expect.any(Number)] },
  ]);
  expect(await producer.schedules.remove("ada")).toBe(true);
});

it("agents that are objects have no file of topics", async () => {
  const agents = [{ ...FAKE, schedule: { cron: "@daily", topics_file: "topics.txt" } }];
  const created = createProducer({ redisUrl: testRedisUrl(), namespace: testNamespace(), agents });
  await expect(created).rejects.toThrow(InvalidInputError);
  await expect(created).rejects.toThrow(
    "agents[0] schedule.topics_file: got the name of a file; expected topics: an object lies in no folder that a file could be in",
  );
});

it("a Redis that is away is an error of its own", async () => {
  await using producer = await createProducer({ redisUrl: "redis://127.0.0.1:1", agents: [AGENT] });
  await expect(producer.schedules.sync()).rejects.toThrow(RedisUnavailableError);
  await expect(producer.schedules.list()).rejects.toThrow(RedisUnavailableError);
  await expect(producer.schedules.remove("ada")).rejects.toThrow(RedisUnavailableError);
});
