import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { bareQueue, fillBare } from "../bare-job.ts";
import type { Benchmark, OptionValues } from "../benchmark.ts";
import type { LocalVendorProgram } from "../local-vendor-program.ts";
import { benchAgent, benchProducer, jobIds, laneQueue, tweets } from "../our-jobs.ts";
import { startProgram, type Program } from "../programs.ts";
import { median, spread } from "../statistics.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { WorkerProgram } from "../worker-program.ts";

/**
 * Jobs per second and CPU per job of the whole path, beside the same work as a bare BullMQ processor: the same local
 * server, the same Redis, turn by turn.
 */
export const throughput: Benchmark = {
  summary: "jobs per second and CPU per job of the whole path, beside a bare BullMQ processor",
  options: {
    jobs: { describe: "jobs a round", default: 4000 },
    rounds: { describe: "rounds after one to warm up", default: 5 },
    concurrency: { describe: "jobs in work at once", default: 64 },
  },
  run: async (values) => await withRedis(async (redis) => report(await compete(redis, values))),
};

interface Arena {
  readonly redis: BenchRedis;
  readonly baseUrl: string;
  readonly jobs: number;
  readonly concurrency: number;
}

interface Measurement {
  readonly jobsPerSecond: number;
  readonly cpuMsPerJob: number;
  /** What Redis spends on a job: BullMQ's commands, ours, and the append-only file. */
  readonly redisMsPerJob: number;
}

type Contestant = "bare" | "ours";

type Measurements = Record<Contestant, Measurement[]>;

async function compete(redis: BenchRedis, values: OptionValues): Promise<Measurements> {
  using vendor = startProgram<LocalVendorProgram>(new URL("../local-vendor.ts", import.meta.url));
  using bare = startProgram<WorkerProgram>(new URL("./bare-worker.ts", import.meta.url));
  using ours = startProgram<WorkerProgram>(new URL("../our-worker.ts", import.meta.url));
  const workers = { bare, ours };
  const sizes = { jobs: values.count("jobs"), concurrency: values.count("concurrency") };
  const rounds = values.count("rounds");
  const arena: Arena = { redis, baseUrl: `${await vendor.ask("start", { latencyMs: 0 })}/ok/v1`, ...sizes };
  const measured: Measurements = { bare: [], ours: [] };
  console.log(
    `${arena.jobs} jobs a round, concurrency ${arena.concurrency}, ${rounds} rounds after one to warm up; Redis with AOF\n`,
  );
  for (let round = 0; round <= rounds; round++) {
    for (const contestant of round % 2 === 0 ? (["bare", "ours"] as const) : (["ours", "bare"] as const)) {
      const namespace = `${contestant}${round}`;
      const measurement = await measure(contestant, workers[contestant], { ...arena, namespace });
      measured[contestant].push(measurement);
      printRound(round, contestant, measurement);
    }
  }
  // The first round warmed everything up.
  return { bare: measured.bare.slice(1), ours: measured.ours.slice(1) };
}

function printRound(
  round: number,
  contestant: Contestant,
  { jobsPerSecond, cpuMsPerJob, redisMsPerJob }: Measurement,
): void {
  const name = `${round === 0 ? "warm-up" : `round ${round}`}  ${contestant.padEnd(4)}`;
  const rate = jobsPerSecond.toFixed(0).padStart(6);
  console.log(
    `${name}  ${rate} jobs/s  ${cpuMsPerJob.toFixed(3)} ms CPU/job  + ${redisMsPerJob.toFixed(3)} ms in Redis`,
  );
}

function report(measured: Measurements): void {
  const ratios = measured.ours.map(
    ({ jobsPerSecond }, round) => jobsPerSecond / (measured.bare[round]?.jobsPerSecond ?? Number.NaN),
  );
  console.log("");
  for (const contestant of ["bare", "ours"] as const) {
    const rates = measured[contestant].map(({ jobsPerSecond }) => jobsPerSecond);
    const cpu = measured[contestant].map(({ cpuMsPerJob }) => cpuMsPerJob);
    const redis = measured[contestant].map(({ redisMsPerJob }) => redisMsPerJob);
    console.log(
      `${contestant.padEnd(4)}  median ${median(rates).toFixed(0)} jobs/s (${spread(rates, 0)}), ${median(cpu).toFixed(3)} ms CPU/job (${spread(cpu, 3)}), Redis ${median(redis).toFixed(3)} ms/job`,
    );
  }
  console.log(`ours ÷ bare: median ${median(ratios).toFixed(2)} (${spread(ratios, 2)})`);
}

type Round = Arena & { readonly namespace: string };

/** Fills the queue, then lets the worker loose on it. Only the second part is measured. */
async function measure(
  contestant: Contestant,
  worker: Program<WorkerProgram>,
  { redis, baseUrl, jobs, concurrency, namespace }: Round,
): Promise<Measurement> {
  const { connection, path: redisPath } = redis;
  const queue = await (contestant === "bare" ? fillBareQueue : fillOurs)(redis, namespace, jobs);
  const redisBefore = await redisCpuMs(connection);
  const startedAt = performance.now();
  await worker.ask("start", { redisPath, namespace, concurrency, baseUrl, apiKey: "bench" });
  await untilEmpty(queue);
  const elapsedMs = performance.now() - startedAt;
  const redisMs = (await redisCpuMs(connection)) - redisBefore;
  const { cpuMs } = await worker.ask("stop");
  await queue.obliterate({ force: true });
  await queue.close();
  await connection.flushall();
  return {
    jobsPerSecond: (jobs / elapsedMs) * 1000,
    cpuMsPerJob: cpuMs / jobs,
    redisMsPerJob: redisMs / jobs,
  };
}

async function redisCpuMs(connection: Redis): Promise<number> {
  const seconds = [...(await connection.info("cpu")).matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, value]) =>
    Number(value),
  );
  return seconds.reduce((sum, value) => sum + value, 0) * 1000;
}

async function untilEmpty(queue: Queue): Promise<void> {
  for (;;) {
    const counts = await queue.getJobCounts("wait", "prioritized", "active", "delayed");
    if (Object.values(counts).every((count) => count === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function fillBareQueue(redis: BenchRedis, namespace: string, jobs: number): Promise<Queue> {
  const queue = bareQueue(redis, namespace);
  await fillBare(queue, jobs);
  return queue;
}

async function fillOurs(redis: BenchRedis, namespace: string, jobs: number): Promise<Queue> {
  const agent = benchAgent();
  await using producer = await benchProducer(redis, namespace, [agent]);
  await producer.enqueueMany(tweets(agent, jobIds("job", jobs)));
  return laneQueue(redis, namespace, agent);
}
