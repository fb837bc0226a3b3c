import { join } from "node:path";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { JOB_VERSION } from "../../src/job/generation-job.ts";
import { InvalidInputError } from "../../src/platform/problem.ts";
import { JobConflictError } from "../../src/queue/enqueue-batch.ts";
import { JOB_NAME, queueJobId } from "../../src/queue/job-codec.ts";
import { lanePrefix } from "../../src/queue/lane.ts";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem, tweet, type FaultSystem } from "../support/faults/fault-system.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

/* Rows 31, 32 and 34: jobs that are too large, doubled, or of another version. */

const LANE = "openai~gpt-6-luna";
const NEWER_WORKER = join(import.meta.dirname, "../support/faults/newer-worker.ts");

let redis: LocalRedis;
beforeAll(async () => void (redis = await startLocalRedis()));
afterAll(async () => await redis[Symbol.asyncDispose]());

interface Bench extends AsyncDisposable {
  readonly openai: RecordedServer;
  readonly system: FaultSystem;
  /** BullMQ's own view of the lane. */
  readonly lane: Queue;
}

async function openBench(): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const openai = stack.use(await startRecordedServer());
  const system = stack.use(await startFaultSystem({ redisUrl: redis.url, openai }));
  const connection = stack.adopt(new Redis(redis.url, { maxRetriesPerRequest: null }), (open) => open.disconnect());
  const lane = stack.adopt(
    new Queue(LANE, { connection, prefix: lanePrefix(system.namespace, LANE) }),
    async (queue) => await queue.close(),
  );
  const owned = stack.move();
  return { openai, system, lane, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Enqueues a job, and changes what stands in the queue. */
async function tamper({ system, lane }: Bench, id: string, change: (data: object) => object): Promise<void> {
  await system.producer.enqueue(tweet(id));
  system.accept([id]);
  const job = await lane.getJob(queueJobId(id));
  await job?.remove();
  await lane.add(JOB_NAME, change(job?.data as object), { jobId: queueJobId(id), attempts: 1000 });
}

it.concurrent(
  "fault 31: what is too large is refused by the producer, and by the worker that finds it: 0 calls",
  async () => {
    await using bench = await openBench();
    const { system, openai } = bench;
    const huge = "x".repeat(300 * 1024);
    const tooLarge = { kind: "content", id: "a", agent: "nori", prompt: huge } as const;
    await expect(system.producer.enqueue(tooLarge)).rejects.toThrow(InvalidInputError);
    await tamper(bench, "b", (data) => ({ ...data, input: { kind: "content", prompt: huge, context: {} } }));
    await system.startWorker();
    await system.allEnded();
    expect(await system.producer.result("b")).toMatchObject({
      status: "failed",
      reason: expect.stringMatching(/^the queued job is invalid: .*at most/) as string,
    });
    expect(openai.calls).toEqual([]);
    expect(await system.reconcile()).toMatchObject({ broken: [], rows: 0 });
  },
);

it.concurrent(
  "fault 32: a job that is enqueued 100 times at once is called for once; another payload is a conflict",
  async () => {
    await using bench = await openBench();
    const { system, openai } = bench;
    await system.startWorker();
    const replies = await Promise.all(
      Array.from({ length: 100 }, async () => (await system.producer.enqueue(tweet("same"))).status),
    );
    system.accept(["same"]);
    expect(replies.filter((status) => status === "enqueued")).toHaveLength(1);
    await system.allEnded();
    expect((await system.producer.enqueue(tweet("same"))).status).toBe("already-finished");
    const other = { ...tweet("same"), context: { topic: "something else" } };
    await expect(system.producer.enqueue(other)).rejects.toThrow(JobConflictError);
    expect(openai.calls).toHaveLength(1);
    expect(await system.reconcile()).toMatchObject({ broken: [], ended: { succeeded: 1 }, extraCalls: 0 });
  },
);

it.concurrent(
  "fault 34: an older worker parks jobs of the next version, whatever it does meanwhile, and a newer one runs them",
  async () => {
    await using bench = await openBench();
    const { system, openai, lane } = bench;
    const newer = ["n-0", "n-1", "n-2"];
    for (const id of newer) await tamper(bench, id, (data) => ({ ...data, version: JOB_VERSION + 1 }));
    await system.enqueue(3, { name: "old" });
    const older = await system.startWorker();
    await waitFor(async () => (await lane.getDelayedCount()) === 3);
    await waitFor(async () => (await system.ended()) === 3);
    expect(await lane.getFailedCount()).toBe(0);
    expect(openai.calls).toHaveLength(3);
    older.signal("SIGTERM");
    expect(await older.ended).toMatchObject({ code: 0 });
    expect(older.stderr).toContain("parked: its schema is newer than this worker; upgrade it");

    await system.startWorker({ nodeArguments: ["--import", NEWER_WORKER] });
    // A parked job is looked at once a minute.
    if (!ALL_FAULTS) for (const id of newer) await (await lane.getJob(queueJobId(id)))?.promote();
    await system.allEnded(90_000);
    expect(await system.reconcile()).toMatchObject({ broken: [], ended: { succeeded: 6 }, extraCalls: 0 });
  },
  120_000,
);
