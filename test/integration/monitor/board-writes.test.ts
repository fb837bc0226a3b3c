import type { Queue } from "bullmq";
import { describe, expect, it } from "vitest";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { watchCommands } from "../../support/watch-commands.ts";
import { boardPath, boardQueues, openMonitor } from "./open-monitor.ts";

const LANE = "openai~gpt-6-luna";
const REFUSED = recordedAnswer("openai/400-invalid-type.json");

describe("Bull Board's retry", () => {
  it("really runs a failed job again: a new result takes the place of the failure", async () => {
    await using openai = await startRecordedServer(REFUSED, completionAnswer({ text: "Second time lucky." }));
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    expect(await system.run({ id: "a", kind: "tweet", agent: "nori" })).toMatchObject({ status: "failed" });
    await system.queued(LANE, "a", "failed");

    expect((await monitor.send(`${boardPath(LANE, "a")}/retry`, { method: "PUT" })).status).toBe(204);
    const result = await waitFor(async () => {
      const current = await system.producer.result("a");
      return current?.status === "succeeded" ? current : null;
    });
    expect(result).toMatchObject({ text: "Second time lucky.", attempts: [{ attempt: 2, outcome: "succeeded" }] });
    expect(await system.redis.hget(system.keys.job("a"), "generation")).toBe("1");
    await system.queued(LANE, "a", "completed");
    expect(openai.calls).toHaveLength(2);
    expect((await system.expectAccounted()).map(({ attemptId }) => attemptId)).toEqual(["a.1", "a.2"]);
  });

  it("of all failed jobs runs each again, once", async () => {
    await using openai = await startRecordedServer(REFUSED);
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    const ids = ["a", "b", "c"];
    for (const id of ids) await system.run({ id, kind: "tweet", agent: "nori" });
    for (const id of ids) await system.queued(LANE, id, "failed");
    openai.answerWith(completionAnswer());
    const answer = await monitor.send(`${boardPath(LANE)}/retry/failed`, { method: "PUT" });
    expect(JSON.parse(answer.text)).toEqual({ retried: 3, skipped: 0 });
    for (const id of ids) {
      await system.queued(LANE, id, "completed");
      expect(await system.producer.result(id)).toMatchObject({ status: "succeeded" });
    }
    expect(openai.calls).toHaveLength(6);
    await system.expectAccounted();
  });

  it("of a job that succeeded returns what there is, without another call", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: "Once." }));
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    await system.run({ id: "a", kind: "tweet", agent: "nori" });
    const first = await system.queued(LANE, "a", "completed");
    expect((await monitor.send(`${boardPath(LANE, "a")}/retry`, { method: "PUT" })).status).toBe(204);
    await waitFor(async () => (await system.queued(LANE, "a", "completed")).attemptsMade > first.attemptsMade, {
      describe: "the job has run again",
    });
    expect(await system.producer.result("a")).toMatchObject({ status: "succeeded", text: "Once." });
    expect(openai.calls).toHaveLength(1);
    await system.expectAccounted();
  });
});

describe("Bull Board's pause and resume", () => {
  it("hold a lane and let it go", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    expect((await monitor.send(`${boardPath(LANE)}/pause`, { method: "PUT" })).status).toBe(200);
    await system.startWorker();
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    expect(await system.run({ id: "b", kind: "tweet", agent: "ada" }), "another lane").toMatchObject({
      status: "succeeded",
    });
    await system.queued(LANE, "a", "waiting", "prioritized", "paused");
    expect((await monitor.send(`${boardPath(LANE)}/resume`, { method: "PUT" })).status).toBe(200);
    expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  });
});

describe("Bull Board removes a lane's jobs in slices of 1,000 at most:", () => {
  const MANY = 3500;
  const REPLIES = 1200;

  it("empty", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const job = (index: number) => ({ id: `t${index}`, kind: "tweet" as const, agent: "nori" });
    const reply = (index: number) => ({ id: `r${index}`, kind: "reply" as const, agent: "nori", mention: "Why?" });
    await system.producer.enqueueMany(Array.from({ length: MANY }, (_, index) => job(index)));
    await system.producer.enqueueMany(Array.from({ length: REPLIES }, (_, index) => reply(index)));
    await system.lane(LANE).add("later", {}, { delay: 3600_000 });
    const counts = async () => (await boardQueues(monitor))[LANE]?.counts;
    expect(await counts()).toMatchObject({ prioritized: MANY, waiting: REPLIES, delayed: 1 });

    expect((await monitor.send(`${boardPath(LANE)}/empty`, { method: "PUT" })).status).toBe(200);
    expect(await counts()).toMatchObject({ prioritized: 0, waiting: 0, delayed: 1 });
    expect(await slicesOf(system)).toEqual({ removed: MANY + REPLIES, largest: 1000 });
  });

  it("clean, although it leaves what is younger than 5 s, wherever that stands", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const lane = system.lane(LANE);
    const old = Date.now() - 60_000;
    await lane.add("young", {}, { priority: 1 });
    await addMany(lane, MANY, { priority: 2, timestamp: old });
    const answer = await monitor.send(`${boardPath(LANE)}/clean/prioritized`, { method: "PUT" });
    expect(answer.status).toBe(200);
    expect(await lane.getJobCounts()).toMatchObject({ prioritized: 1 });
    expect((await lane.getJobs(["prioritized"])).map(({ name }) => name)).toEqual(["young"]);
    expect(await slicesOf(system)).toMatchObject({ removed: MANY });
    expect((await slicesOf(system)).largest).toBeLessThanOrEqual(1000);
  });

  it("obliterate, of a paused lane", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const lane = system.lane(LANE);
    await addMany(lane, MANY, { priority: 2 });
    const obliterate = async () => await monitor.send(`${boardPath(LANE)}/obliterate`, { method: "PUT", body: {} });
    expect((await obliterate()).status, "it runs").toBe(400);
    expect(await lane.getJobCounts()).toMatchObject({ prioritized: MANY });
    await lane.pause();
    // Each script begins with one; Bull Board asks once, too, whether the lane is paused.
    let looks = 0;
    const meta = lane.toKey("meta");
    await using _watch = await watchCommands((name, key) => (looks += name === "hexists" && key === meta ? 1 : 0));
    expect((await obliterate()).status).toBe(200);
    expect(await lane.getJobCounts()).toMatchObject({ prioritized: 0 });
    await waitFor(() => looks > MANY / 1000 + 1, {
      describe: () => `a script per slice, not ${looks}`,
    });
  });
});

async function addMany(lane: Queue, count: number, opts: { priority: number; timestamp?: number }): Promise<void> {
  await lane.addBulk(Array.from({ length: count }, () => ({ name: "generate", data: {}, opts })));
}

/** BullMQ notes in the queue's events how many jobs each of its scripts has removed. */
async function slicesOf(system: GenerationSystem): Promise<{ removed: number; largest: number }> {
  const entries = await system.redis.xrange(system.lane(LANE).toKey("events"), "-", "+");
  const events = entries.map(([, fields]) => Object.fromEntries(pairs(fields)) as Record<string, string>);
  const removed = events.filter(({ event }) => event === "cleaned").map(({ count }) => Number(count));
  return { removed: removed.reduce((sum, count) => sum + count, 0), largest: Math.max(...removed) };
}

function pairs(fields: readonly string[]): [string, string][] {
  return fields.flatMap((field, index) => (index % 2 === 0 ? [[field, fields[index + 1] ?? ""]] : []));
}
