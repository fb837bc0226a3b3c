import { describe, expect, it } from "vitest";
import { controlKeys } from "../../../src/admission/keys.ts";
import { FAKE, openScheduleSystem, type ScheduleSystem } from "./schedule-system.ts";

const NOW = "2026-11-26T08:30:00.400Z";
const DAILY = { ...FAKE, schedule: { cron: "0 9 * * *" } };
const ORBIT = { ...FAKE, id: "orbit", name: "Orbit" };

const at = (iso: string) => Date.parse(iso);

async function changesOf(system: ScheduleSystem, files: readonly object[], dryRun = false): Promise<string[]> {
  const changes = await system.schedules(files).sync({ dryRun });
  return changes.map(({ agentId, change }) => `${agentId} ${change}`);
}

describe("sync", () => {
  it("adds, changes, leaves and removes, and tells which", async () => {
    await using system = await openScheduleSystem(NOW);
    const hourly = { ...ORBIT, schedule: { cron: "0 * * * *" } };
    expect(await changesOf(system, [DAILY, hourly, FAKE])).toEqual(["ada added", "orbit added"]);
    expect(await changesOf(system, [DAILY, hourly])).toEqual(["ada unchanged", "orbit unchanged"]);
    const renamed = { ...DAILY, name: "Ada Lovelace" };
    expect(await changesOf(system, [renamed])).toEqual(["ada changed", "orbit removed"]);
    expect((await system.schedules([]).list()).map(({ agentId }) => agentId)).toEqual(["ada"]);
    expect(await system.redis.keys(`{${system.namespace}}:schedule*orbit`)).toEqual([]);
  });

  it("changes nothing with dryRun", async () => {
    await using system = await openScheduleSystem(NOW);
    await changesOf(system, [DAILY]);
    expect(await changesOf(system, [{ ...ORBIT, schedule: { cron: "@hourly" } }], true)).toEqual([
      "ada removed",
      "orbit added",
    ]);
    expect(await changesOf(system, [DAILY])).toEqual(["ada unchanged"]);
  });

  it("begins anew when the times change or a schedule is enabled again, and goes on when anything else does", async () => {
    await using system = await openScheduleSystem(NOW);
    const lastSlotAt = async (): Promise<number> =>
      Number(await system.redis.hget(controlKeys(system.namespace).schedule("ada"), "lastSlotAt"));
    await changesOf(system, [DAILY]);
    expect(await lastSlotAt()).toBe(at("2026-11-26T08:30:00Z"));
    system.set("2026-11-26T12:00:00Z");
    await changesOf(system, [{ ...DAILY, schedule: { cron: "0 9 * * *", topics: ["fog"] } }]);
    expect(await lastSlotAt()).toBe(at("2026-11-26T08:30:00Z"));
    await changesOf(system, [{ ...DAILY, schedule: { cron: "0 10 * * *", topics: ["fog"] } }]);
    expect(await lastSlotAt()).toBe(at("2026-11-26T12:00:00Z"));
    await changesOf(system, [{ ...DAILY, schedule: { cron: "0 10 * * *", enabled: false } }]);
    system.set("2026-11-28T12:00:00Z");
    await changesOf(system, [{ ...DAILY, schedule: { cron: "0 10 * * *" } }]);
    expect(await lastSlotAt()).toBe(at("2026-11-28T12:00:00Z"));
    expect(await system.ticker().tick()).toBe(0);
  });

  it("does not take back what a worker does meanwhile", async () => {
    await using system = await openScheduleSystem(NOW);
    await changesOf(system, [DAILY]);
    const { store } = system.context();
    const before = await store.read("ada");
    if (before?.stored == null) throw new Error("no schedule");
    system.set("2026-11-26T09:00:00Z");
    await system.ticker().tick();
    await store.write(before.stored, { lastSlotAt: before.state.lastSlotAt, isNew: false });
    expect(await system.ticker().tick()).toBe(1);
    expect((await store.read("ada"))?.state).toMatchObject({ lastSlotAt: at("2026-11-26T09:00Z"), posts: 1 });
    expect(await system.redis.zscore(controlKeys(system.namespace).schedulesDue, "ada")).toBe(
      String(at("2026-11-27T09:00Z")),
    );
  });

  it("mends what somebody has deleted, or broken", async () => {
    await using system = await openScheduleSystem(NOW);
    const keys = controlKeys(system.namespace);
    await changesOf(system, [DAILY]);
    await system.redis.del(keys.schedulesDue);
    expect(await changesOf(system, [DAILY])).toEqual(["ada unchanged"]);
    expect(await system.redis.zscore(keys.schedulesDue, "ada")).toBe(String(at("2026-11-26T09:00Z")));
    await system.redis.hset(keys.schedules, "ada", "{broken");
    const [broken] = await system.schedules([]).list();
    expect(broken).toMatchObject({ agentId: "ada", schedule: null, nextAt: [] });
    expect(await changesOf(system, [DAILY])).toEqual(["ada changed"]);
  });
});

describe("list", () => {
  it("tells when each posts next, and what became of its last post", async () => {
    await using system = await openScheduleSystem(NOW);
    const behavior = { post_frequency: { min_hours_between_posts: 2, max_hours_between_posts: 4 } };
    const book = system.schedules([DAILY, { ...ORBIT, behavior }]);
    await book.sync();
    const [ada, orbit] = await book.list({ next: 2 });
    expect(ada).toMatchObject({
      ...{ agentId: "ada", lastAt: null, lastJobId: null, lastStatus: null, posts: 0, overdueAt: null },
      nextAt: [at("2026-11-26T09:00Z"), at("2026-11-27T09:00Z")],
      syncedAt: at(NOW),
    });
    const [first = 0, second = 0] = orbit?.nextAt ?? [];
    expect(first - at("2026-11-26T08:30Z")).toBeGreaterThanOrEqual(2 * 3600_000);
    expect(second - first).toBeGreaterThanOrEqual(2 * 3600_000);

    system.set("2026-11-26T09:00:00Z");
    await system.ticker().tick();
    expect((await book.list())[0]).toMatchObject({
      ...{ lastAt: at("2026-11-26T09:00Z"), lastJobId: "s_ada_1795683600", lastStatus: "waiting", posts: 1 },
      nextAt: [at("2026-11-27T09:00Z")],
    });
    await system.redis.del(controlKeys(system.namespace).job("s_ada_1795683600"));
    expect((await book.list())[0]).toMatchObject({ lastStatus: "forgotten" });
  });

  it("shows what is overdue because no worker looks after it, and what is disabled", async () => {
    await using system = await openScheduleSystem(NOW);
    const book = system.schedules([DAILY, { ...ORBIT, schedule: { cron: "@hourly", enabled: false } }]);
    await book.sync();
    system.set("2026-11-26T09:30:00Z");
    expect(await book.list()).toMatchObject([
      { agentId: "ada", overdueAt: at("2026-11-26T09:00Z"), nextAt: [at("2026-11-27T09:00Z")] },
      { agentId: "orbit", overdueAt: null, nextAt: [] },
    ]);
    await system.ticker().tick();
    expect(await system.jobIds()).toEqual(["s_ada_1795683600"]);
  });
});

it("remove forgets a schedule once, and says whether there was one", async () => {
  await using system = await openScheduleSystem(NOW);
  const book = system.schedules([DAILY]);
  await book.sync();
  expect([await book.remove("ada"), await book.remove("ada"), await book.remove("nobody")]).toEqual([
    true,
    false,
    false,
  ]);
  system.set("2026-11-26T09:00:00Z");
  expect(await system.ticker().tick()).toBe(0);
  expect(await system.jobIds()).toEqual([]);
});
