import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { controlKeys } from "../../../src/admission/keys.ts";
import { slotJobId, tickAgent } from "../../../src/queue/schedule-tick.ts";
import { startLocalRedis } from "../../support/redis-server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait-for.ts";
import { FAKE, openScheduleSystem, type ScheduleSystem } from "./schedule-system.ts";

/** FAULTS: an overdue schedule after downtime: each slot at most once; the declared misfire policy holds. */

const NOW = "2026-11-26T08:30:00Z";
const id = (iso: string, agent = "ada") => `s_${agent}_${Date.parse(iso) / 1000}`;
const hourly = (fields: object = {}) => ({ ...FAKE, schedule: { cron: "0 * * * *", ...fields } });

describe("after downtime from 8:30 to 11:45", () => {
  it.each([
    ["skip", []],
    ["latest", [id("2026-11-26T11:00Z")]],
    ["all", [id("2026-11-26T09:00Z"), id("2026-11-26T10:00Z"), id("2026-11-26T11:00Z")]],
  ])("misfire %s holds, and the next slot comes as always", async (misfire, ids) => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly({ misfire })]).sync();
    system.set("2026-11-26T11:45:00Z");
    expect(await system.ticker().tick()).toBe(1);
    expect(await system.ticker().tick()).toBe(0);
    expect(await system.jobIds()).toEqual(ids);
    system.set("2026-11-26T12:00:00.250Z");
    await system.ticker().tick();
    expect(await system.jobIds()).toEqual([...ids, id("2026-11-26T12:00Z")]);
  });
});

describe("several workers", () => {
  it("that tick at once fire each slot once, in one order of topics", async () => {
    await using system = await openScheduleSystem(NOW);
    const topics = ["fog", "tides", "gulls", "paint"];
    await system.schedules([hourly({ misfire: "all", topics })]).sync();
    system.set("2026-11-26T12:30:00Z");
    // Without the lease, which would give the agent to one of them only.
    await Promise.all(Array.from({ length: 6 }, async () => await tickAgent("ada", system.context())));
    const jobs = await system.jobs();
    expect(jobs.map((job) => job.id)).toEqual(
      [9, 10, 11, 12].map((hour) => id(`2026-11-26T${String(hour).padStart(2, "0")}:00Z`)),
    );
    expect(new Set(jobs.map(({ input }) => input.context["topic"]))).toEqual(new Set(topics));
    expect(await stateOf(system)).toMatchObject({ posts: "4", lastSlotAt: String(Date.parse("2026-11-26T12:00Z")) });
    expect(system.logs.filter(({ msg }) => msg === "scheduled post enqueued")).toHaveLength(4);
    expect(system.logs.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  it("whose clocks differ fire each slot once", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly()]).sync();
    system.set("2026-11-26T09:00:00Z");
    const [ahead, behind] = [system.ticker(), system.ticker({ behindMs: 5000 })];
    expect([await behind.tick(), await ahead.tick(), await behind.tick()]).toEqual([0, 1, 0]);
    system.set("2026-11-26T09:00:05Z");
    expect([await behind.tick(), await ahead.tick()]).toEqual([0, 0]);
    expect(await system.jobIds()).toEqual([id("2026-11-26T09:00Z")]);
  });

  it("share the agents: each is given to one, and to another when that one died", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules(["a", "b", "c"].map((agent) => ({ ...hourly(), id: agent }))).sync();
    system.set("2026-11-26T09:00:00Z");
    const take = { now: Date.parse("2026-11-26T09:00:00Z"), leaseMs: 10_000, most: 2 };
    expect(await system.context().store.take(take)).toHaveLength(2);
    expect(await system.ticker().tick()).toBe(1);
    system.set("2026-11-26T09:00:10Z");
    expect(await system.ticker().tick()).toBe(2);
    expect(await system.jobIds()).toHaveLength(3);
  });
});

describe("a slot", () => {
  it("that was enqueued by a worker that then died is not enqueued again, and its topic counts", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly({ topics: ["fog", "tides"] })]).sync();
    system.set("2026-11-26T09:00:00Z");
    await system.ticker().tick();
    // As before the record: the worker died between the two.
    const { schedule, schedulesDue } = controlKeys(system.namespace);
    await system.redis.hset(schedule("ada"), { lastSlotAt: Date.parse(NOW), posts: 0 });
    await system.redis.zadd(schedulesDue, 0, "ada");
    await system.ticker().tick();
    expect(await system.jobIds()).toEqual([id("2026-11-26T09:00Z")]);
    expect(await stateOf(system)).toMatchObject({ posts: "1", lastSlotAt: String(Date.parse("2026-11-26T09:00Z")) });
  });

  it("does not fire again when its job is forgotten", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly()]).sync();
    system.set("2026-11-26T09:00:00Z");
    await system.ticker().tick();
    const { job, schedulesDue } = controlKeys(system.namespace);
    await system.redis.del(job(id("2026-11-26T09:00Z")));
    await system.redis.zadd(schedulesDue, 0, "ada");
    system.set("2026-11-26T09:59:00Z");
    expect(await system.ticker().tick()).toBe(1);
    expect(await system.redis.exists(job(id("2026-11-26T09:00Z")))).toBe(0);
  });

  it("becomes a job with its topic, deadline and delivery", async () => {
    await using system = await openScheduleSystem(NOW);
    const fields = { topics: [{ topic: "fog", mood: "calm" }], deadline_minutes: 90, delivery: "batch" };
    await system.schedules([hourly(fields)]).sync();
    system.set("2026-11-26T09:00:01Z");
    await system.ticker().tick();
    expect(await system.jobs()).toMatchObject([
      {
        ...{ id: id("2026-11-26T09:00Z"), agentId: "ada", urgency: "scheduled", delivery: "batch" },
        deadlineAt: Date.parse("2026-11-26T10:30Z"),
        input: { kind: "tweet", context: { topic: "fog", mood: "calm" } },
      },
    ]);
  });

  it("has the next topic of the round", async () => {
    await using system = await openScheduleSystem(NOW);
    const topics = ["fog", "tides", "gulls"];
    await system.schedules([hourly({ topics })]).sync();
    for (const hour of ["09", "10", "11"]) {
      system.set(`2026-11-26T${hour}:00:00Z`);
      await system.ticker().tick();
    }
    const told = (await system.jobs()).map(({ input }) => input.context["topic"]);
    expect(new Set(told)).toEqual(new Set(topics));
  });

  it("whose id somebody has taken counts as fired", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly({ topics: ["fog"] })]).sync();
    await system.redis.hset(controlKeys(system.namespace).job(id("2026-11-26T09:00Z")), {
      payload: "other",
      lane: "x",
    });
    system.set("2026-11-26T09:00:00Z");
    await system.ticker().tick();
    expect(system.logs).toContainEqual(
      expect.objectContaining({ level: 40, msg: "the slot has a job with another topic already" }),
    );
    expect(await stateOf(system)).toMatchObject({ posts: "1" });
  });

  it("follows from the slot before where only a frequency is given", async () => {
    await using system = await openScheduleSystem(NOW);
    const behavior = { post_frequency: { min_hours_between_posts: 2, max_hours_between_posts: 4 } };
    const book = system.schedules([{ ...FAKE, behavior }]);
    await book.sync();
    const [planned] = await book.list({ next: 3 });
    for (const slotAt of planned?.nextAt ?? []) {
      system.set(new Date(slotAt).toISOString());
      await system.ticker().tick();
    }
    expect(await system.jobIds()).toEqual(planned?.nextAt.map((slotAt) => slotJobId("ada", slotAt)));
    expect(planned?.nextAt).toHaveLength(3);
  });
});

describe("topics of a file that changes", () => {
  it("are read again where the file is, and a broken one is reported and not used", async () => {
    await using system = await openScheduleSystem(NOW);
    await using folder = await makeTempFolder();
    const path = join(folder.path, "topics.txt");
    await system.schedules([hourly({ topics_file: "topics.txt" })]).sync();
    const tickAt = async (iso: string, content: string, changedAt: string): Promise<unknown> => {
      await writeFile(path, content);
      await utimes(path, new Date(changedAt), new Date(changedAt));
      system.set(iso);
      await system.ticker({ agentsDirectory: folder.path }).tick();
      return (await system.jobs()).at(-1)?.input.context["topic"];
    };
    // The file that was synced had no topics.
    expect(await tickAt("2026-11-26T09:00:00Z", "older", "2026-11-26T08:00:00Z")).toBeUndefined();
    expect(await tickAt("2026-11-26T10:00:00Z", "fog", "2026-11-26T09:30:00Z")).toBe("fog");
    expect(await tickAt("2026-11-26T11:00:00Z", "\n", "2026-11-26T10:30:00Z")).toBeUndefined();
    expect(system.logs).toContainEqual(
      expect.objectContaining({ level: 40, agent: "ada", msg: "the changed file of topics is not used" }),
    );
  });
});

describe("what stands in Redis", () => {
  it("may be no schedule: the others go on, and it is said", async () => {
    await using system = await openScheduleSystem(NOW);
    const { schedules, schedulesDue } = controlKeys(system.namespace);
    await system.schedules([hourly(), { ...hourly(), id: "orbit" }]).sync();
    await system.redis.hset(schedules, "ada", '{"schedule": {}}');
    await system.redis.zadd(schedulesDue, 0, "nobody");
    system.set("2026-11-26T09:00:00Z");
    expect(await system.ticker().tick()).toBe(3);
    expect(await system.jobIds()).toEqual([id("2026-11-26T09:00Z", "orbit")]);
    expect(system.logs).toContainEqual(
      expect.objectContaining({ level: 50, agent: "ada", msg: "its schedule cannot be read; sync it again" }),
    );
    expect(await system.redis.zscore(schedulesDue, "nobody")).toBe(null);
  });

  it("a change of the times while a worker is at the old ones is not undone", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly()]).sync();
    const { store } = system.context();
    const old = (await store.read("ada"))?.stored;
    if (old == null) throw new Error("no schedule");
    await system.schedules([{ ...hourly(), schedule: { cron: "45 8 * * *" } }]).sync();
    await store.record({ stored: old, slotAt: Date.parse("2026-11-26T08:00Z"), jobId: null });
    const dueAt = await system.redis.zscore(controlKeys(system.namespace).schedulesDue, "ada");
    expect(dueAt).toBe(String(Date.parse("2026-11-26T08:45Z")));
  });
});

describe("trouble", () => {
  it("with one agent does not hold up the others; it is tried again when the lease is over", async () => {
    await using system = await openScheduleSystem(NOW);
    await system.schedules([hourly(), { ...hourly(), id: "orbit" }]).sync();
    const { schedule } = controlKeys(system.namespace);
    await system.redis.rename(schedule("ada"), `${schedule("ada")}-kept`);
    await system.redis.set(schedule("ada"), "no hash");
    system.set("2026-11-26T09:00:00Z");
    expect(await system.ticker().tick()).toBe(2);
    expect(await system.jobIds()).toEqual([id("2026-11-26T09:00Z", "orbit")]);
    expect(system.logs).toContainEqual(
      expect.objectContaining({ level: 50, agent: "ada", msg: "its schedule cannot go on; trying again" }),
    );
    await system.redis.rename(`${schedule("ada")}-kept`, schedule("ada"));
    system.set("2026-11-26T09:00:10Z");
    expect(await system.ticker().tick()).toBe(1);
    expect(await system.jobIds()).toContain(id("2026-11-26T09:00Z"));
  });

  it("with Redis, killed and started again with its data, costs no slot", async () => {
    await using server = await startLocalRedis(["--appendfsync", "always"]);
    await using system = await openScheduleSystem(NOW, server.url);
    await system.schedules([hourly({ misfire: "all" })]).sync();
    const ticker = system.ticker();
    ticker.start();
    system.set("2026-11-26T09:00:00Z");
    await waitFor(async () => (await system.jobIds()).length === 1);
    await server.stop();
    system.set("2026-11-26T11:00:00Z");
    await server.start();
    await waitFor(async () => (await system.jobIds()).length === 3);
    await ticker.close();
    expect(await system.jobIds()).toEqual(["09", "10", "11"].map((hour) => id(`2026-11-26T${hour}:00Z`)));
  });
});

it("a ticker that runs fires by itself, tells once that Redis does not answer, and ends", async () => {
  await using system = await openScheduleSystem(NOW);
  await system.schedules([hourly()]).sync();
  system.set("2026-11-26T09:00:00Z");
  const ticker = system.ticker();
  ticker.start();
  await waitFor(async () => (await system.jobIds()).length === 1);
  const { schedulesDue } = controlKeys(system.namespace);
  await system.redis.del(schedulesDue);
  await system.redis.set(schedulesDue, "no sorted set");
  const isReported = () => system.logs.some(({ msg }) => msg === "schedules cannot be looked at; trying on");
  await waitFor(isReported);
  await ticker.close();
});

it("ids of jobs are short enough whatever the agent is called", () => {
  expect(slotJobId("ada", 1_795_683_600_000)).toBe("s_ada_1795683600");
  const long = slotJobId("a".repeat(128), 1_795_683_600_000);
  expect(long).toMatch(/^s_a{83}-[0-9a-f]{16}_1795683600$/);
  expect(long).not.toBe(slotJobId(`${"a".repeat(127)}b`, 1_795_683_600_000));
});

async function stateOf({ redis, namespace }: ScheduleSystem): Promise<Record<string, string>> {
  return await redis.hgetall(controlKeys(namespace).schedule("ada"));
}
