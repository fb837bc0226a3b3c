import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/platform/clock.ts";
import { connectRedis } from "../../../src/platform/redis.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { retryFailedOfRun } from "../../../src/queue/retry-failed.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";

const REFUSED = recordedAnswer("openai/400-invalid-type.json");
const LANE = "openai~gpt-6-luna";

function openRetry({ namespace }: GenerationSystem) {
  const redis = connectRedis({ url: testRedisUrl() }, "producer");
  const queueRedis = connectRedis({ url: testRedisUrl() }, "producer-queue");
  const queues = createLaneQueues(queueRedis, namespace);
  return {
    retryFailed: async (runId: string) =>
      await retryFailedOfRun(runId, { redis, namespace, queues, clock: systemClock }),
    async [Symbol.asyncDispose]() {
      await queues.close();
      for (const connection of [redis, queueRedis]) connection.disconnect();
    },
  };
}

async function begin({ producer }: GenerationSystem, id: string, output: string | null = null): Promise<void> {
  await producer.runs.begin({ id, input: output, output, agent: null, total: null });
}

/** Enqueues jobs `<id><n>` and waits until BullMQ has noted that they have failed. */
async function fail(system: GenerationSystem, run: string, count: number, agent = "nori"): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${run}${agent}${index}`);
  await system.producer.enqueueMany(
    ids.map((id) => ({ id, kind: "tweet" as const, agent })),
    { run },
  );
  for (const id of ids) expect(await system.resultOf(id)).toMatchObject({ status: "failed" });
  return ids;
}

const failedIn = async (system: GenerationSystem, lane = LANE) => await system.lane(lane).getFailedCount();

describe("retryFailedOfRun", () => {
  it("runs the failed jobs of the run again, in whatever lane, and no others", async () => {
    await using server = await startRecordedServer(REFUSED);
    await using system = await startSystem({ openai: server, grok: server });
    await using operator = openRetry(system);
    await system.startWorker();
    await begin(system, "mine");
    await begin(system, "others");
    const ids = [...(await fail(system, "mine", 3)), ...(await fail(system, "mine", 2, "ada"))];
    const others = await fail(system, "others", 2);
    await waitFor(async () => (await failedIn(system)) + (await failedIn(system, `${LANE}>grok~grok-4.3`)) === 7);
    await system.producer.runs.setState("mine", "done");

    server.answerWith(completionAnswer({ text: "After all." }));
    expect(await operator.retryFailed("mine")).toBe(5);
    for (const id of ids) {
      const result = await waitFor(async () => {
        const current = await system.producer.result(id);
        return current?.status === "succeeded" ? current : null;
      });
      expect(result).toMatchObject({ text: "After all.", attempts: [{ outcome: "succeeded" }] });
      expect(await system.redis.hget(system.keys.job(id), "generation")).toBe("1");
    }
    for (const id of others) expect(await system.producer.result(id)).toMatchObject({ status: "failed" });
    expect(await system.producer.runs.read("mine")).toMatchObject({
      state: "running",
      endedAt: null,
      done: { succeeded: 5 },
    });
    expect(await operator.retryFailed("mine"), "there are none any more").toBe(0);
    await system.expectAccounted();
  });

  it("finds them among many, and retries none twice", { timeout: 60_000 }, async () => {
    const agents = ["ada", "nori"].map((id) => ({
      id,
      name: id,
      llm_provider: "fake",
      custom_system_prompt: "You are.",
    }));
    await using system = await startSystem({ agents, settings: { fake: { refuseRate: 1 } } });
    await using operator = openRetry(system);
    const worker = await system.startWorker({ concurrency: 64 });
    await begin(system, "a");
    await begin(system, "b");
    await Promise.all([fail(system, "a", 700), fail(system, "b", 600)]);
    const lane =
      Object.keys(await system.redis.hgetall(system.keys.lanes)).find((name) => name.startsWith("fake")) ?? "";
    await waitFor(async () => (await failedIn(system, lane)) === 1300);
    await worker.stop({ graceMs: 0 });
    const counts = await Promise.all([operator.retryFailed("a"), operator.retryFailed("a")]);
    expect(counts[0] + counts[1]).toBe(700);
    expect(await system.lane(lane).getJobCounts("failed", "prioritized")).toEqual({ failed: 600, prioritized: 700 });
  });

  it("refuses runs that it must leave alone, and says what to do", async () => {
    await using system = await startSystem();
    await using operator = openRetry(system);
    await begin(system, "file", "out.jsonl");
    await expect(operator.retryFailed("file")).rejects.toThrow(
      "runs id: got file, whose results are written to out.jsonl by the program that feeds it; " +
        "expected `puppet-engine runs retry-failed file` on the machine that has this file",
    );
    await begin(system, "over");
    await system.producer.runs.setState("over", "cancelled");
    await expect(operator.retryFailed("over")).rejects.toThrow(
      "runs id: got over, which is cancelled; expected a run that is not; resume it first",
    );
    await expect(operator.retryFailed("nothing")).rejects.toThrow('got "nothing"; expected the id of a bulk run');
    await begin(system, "quiet");
    await system.producer.runs.setState("quiet", "done");
    expect(await operator.retryFailed("quiet")).toBe(0);
    expect(await system.producer.runs.read("quiet"), "nothing runs again").toMatchObject({ state: "done" });
  });
});
