import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Queue } from "bullmq";
import { bareQueue, fillBare } from "../bare-job.ts";
import { benchAgent, benchProducer, countUnwritten, jobIds, laneQueue, tweets } from "../our-jobs.ts";
import type { Program } from "../programs.ts";
import { MODEL } from "../prompt.ts";
import type { BenchRedis } from "../with-redis.ts";
import type { WorkerProgram } from "../worker-program.ts";
import type { IdealProgram } from "./ideal-loop.ts";
import type { Scenario } from "./scenarios.ts";
import type { LimitedVendorProgram } from "./vendor-program.ts";

/** One run of one contestant. */
export interface Run {
  readonly redis: BenchRedis;
  readonly scenario: Scenario;
  readonly vendor: Program<LimitedVendorProgram>;
  readonly baseUrl: string;
  readonly namespace: string;
  readonly jobs: number;
  /** Jobs without an end by then are lost. */
  readonly withinMs: number;
}

export interface Outcome {
  /** From the first job's adding to the last one's end. */
  readonly wallMs: number;
  /** Jobs that have no text. */
  readonly lost: number;
  /** How often a worker took a job, per job; `null`: there is no queue. */
  readonly startsPerJob: number | null;
}

export type Workers = readonly Program<WorkerProgram>[];

const WARM_UP_JOBS = 10;

export async function runIdeal(program: Program<IdealProgram>, run: Run): Promise<Outcome> {
  const vendor = run.scenario.vendor;
  await program.ask("run", { baseUrl: run.baseUrl, vendor, jobs: WARM_UP_JOBS });
  await run.vendor.ask("refill");
  const wallMs = await program.ask("run", { baseUrl: run.baseUrl, vendor, jobs: run.jobs });
  return { wallMs, lost: 0, startsPerJob: null };
}

export async function runOurs(workers: Workers, run: Run): Promise<Outcome> {
  const agent = benchAgent();
  await using producer = await benchProducer(run.redis, run.namespace, [agent]);
  const write = async (name: string, jobs: number): Promise<number> => {
    const ids = jobIds(name, jobs);
    await producer.enqueueMany(tweets(agent, ids));
    return await countUnwritten(producer, ids, run.withinMs);
  };
  await using queue = disposable(laneQueue(run.redis, run.namespace, agent));
  return await runWorkers(workers, run, { queue, write });
}

export async function runBullmq(workers: Workers, run: Run): Promise<Outcome> {
  await using queue = disposable(bareQueue(run.redis, run.namespace));
  const write = async (_name: string, jobs: number): Promise<number> => {
    const before = await finishedIn(queue);
    await fillBare(queue, jobs);
    const deadline = performance.now() + run.withinMs;
    for (;;) {
      const now = await finishedIn(queue);
      const missing = jobs - (now.completed - before.completed) - (now.failed - before.failed);
      if (missing === 0 || performance.now() > deadline) return missing + now.failed - before.failed;
      await sleep(10);
    }
  };
  return await runWorkers(workers, run, { queue, write });
}

interface Work {
  readonly queue: Queue;
  /** Adds jobs and waits for their ends. @returns how many have no text */
  write(name: string, jobs: number): Promise<number>;
}

/** Starts the workers, warms them up, lets the vendor's limits recover, and measures. */
async function runWorkers(workers: Workers, run: Run, { queue, write }: Work): Promise<Outcome> {
  const { scenario } = run;
  const used = workers.slice(0, scenario.concurrencies.length);
  await startWorkers(used, run, scenario.cold ? "warm-up" : "bench");
  await write("warm-up", WARM_UP_JOBS * used.length);
  if (scenario.cold) {
    await stopWorkers(used);
    await startWorkers(used, run, "bench");
  }
  await queue.clean(0, 0, "completed");
  await run.vendor.ask("refill");
  const startedAt = performance.now();
  const lost = await write("job", run.jobs);
  const wallMs = performance.now() - startedAt;
  const startsPerJob = await meanStarts(queue);
  await stopWorkers(used);
  await run.redis.connection.flushall();
  return { wallMs, lost, startsPerJob };
}

async function startWorkers(workers: Workers, run: Run, apiKey: string): Promise<void> {
  const { redis, scenario, namespace, baseUrl } = run;
  const limits = scenario.configured === null ? [] : [{ provider: "openai", model: MODEL, ...scenario.configured }];
  await Promise.all(
    workers.map((worker, index) => {
      const concurrency = scenario.concurrencies[index] ?? 1;
      return worker.ask("start", { redisPath: redis.path, namespace, concurrency, baseUrl, apiKey, limits });
    }),
  );
}

async function stopWorkers(workers: Workers): Promise<void> {
  await Promise.all(workers.map((worker) => worker.ask("stop")));
}

async function finishedIn(queue: Queue): Promise<{ completed: number; failed: number }> {
  const { completed = 0, failed = 0 } = await queue.getJobCounts("completed", "failed");
  return { completed, failed };
}

async function meanStarts(queue: Queue): Promise<number> {
  const jobs: Job[] = await queue.getJobs(["completed", "failed"]);
  return jobs.reduce((sum, job) => sum + job.attemptsStarted, 0) / jobs.length;
}

function disposable(queue: Queue): Queue & AsyncDisposable {
  return Object.assign(queue, { [Symbol.asyncDispose]: () => queue.close() });
}
