import { expect, it } from "vitest";
import { controlKeys } from "../../src/admission/keys.ts";
import { parseResultEntry } from "../../src/job/result-entry.ts";
import { openCliSession } from "../support/cli-session.ts";
import { connectTestRedis } from "../support/redis.ts";
import { expectBalancedBooks } from "../support/usage-books.ts";
import { waitFor } from "../support/wait-for.ts";

const HOUR_MS = 3600_000;

it("fault 35: after downtime each slot is made up for once at most, as each agent's policy says, however many workers start", async () => {
  await using session = await openCliSession();
  for (const misfire of ["skip", "latest", "all"]) {
    const schedule = { cron: "0 * * * *", misfire, topics: ["fog", "tides"] };
    await session.write(`agents/${misfire}.json`, { id: misfire, name: misfire, llm_provider: "fake", schedule });
  }
  expect(await session.run("schedule", "sync")).toMatchObject({ code: 0 });
  await using redis = await connectTestRedis();
  const keys = controlKeys(session.namespace);
  // Half an hour into an hour: three slots, whenever the test runs.
  const downAt = (Math.floor(Date.now() / HOUR_MS) - 3) * HOUR_MS + HOUR_MS / 2;
  const missed = Math.floor(Date.now() / HOUR_MS) - Math.floor(downAt / HOUR_MS);
  for (const agent of ["skip", "latest", "all"]) {
    await redis.hset(keys.schedule(agent), "lastSlotAt", downAt);
    await redis.zadd(keys.schedulesDue, 0, agent);
  }
  await using _first = session.start("worker");
  await using _second = session.start("worker");
  const entries = async () =>
    (await redis.xrange(keys.results, "-", "+")).map(([, fields]) => parseResultEntry(fields[1] ?? ""));
  const settled = async (): Promise<boolean> => {
    const slots = await Promise.all(
      ["skip", "latest", "all"].map(async (agent) => Number(await redis.hget(keys.schedule(agent), "lastSlotAt"))),
    );
    return slots.every((slotAt) => slotAt > downAt + 2 * HOUR_MS);
  };
  await waitFor(settled, { timeoutMs: 25_000 });
  await waitFor(async () => (await entries()).length >= missed + 1, { timeoutMs: 25_000 });
  const ended = await entries();
  const of = (agent: string) => ended.filter(({ agentId }) => agentId === agent).length;
  expect({ skip: of("skip"), latest: of("latest"), all: of("all") }).toEqual({ skip: 0, latest: 1, all: missed });
  expect(new Set(ended.map(({ jobId }) => jobId)).size, "no slot twice").toBe(ended.length);
  await expectBalancedBooks(redis, session.namespace);
}, 60_000);
