import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { compileOptions, composeProducer } from "../../src/compose.ts";
import { parseAgentObject } from "../../src/agents/parse-agent.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { startEmbeddedRedis } from "../../src/platform/embedded-redis.ts";
import { lanePrefix, laneOf } from "../../src/queue/lane.ts";
import { median, spread } from "../statistics.ts";
import { BARE_QUEUE, type Reply, type Request } from "./protocol.ts";

interface Arena {
  readonly redisPath: string;
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

/**
 * Jobs per second and CPU per job of the whole path, beside the same work as a bare BullMQ processor: the same local
 * server, the same Redis, turn by turn.
 */
export async function runThroughput(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      jobs: { type: "string", default: "4000" },
      rounds: { type: "string", default: "5" },
      concurrency: { type: "string", default: "64" },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "puppet-engine-bench-"));
  try {
    const sizes = { jobs: Number(values.jobs), concurrency: Number(values.concurrency) };
    report(await compete(folder, sizes, Number(values.rounds)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Measurements = Record<Contestant, Measurement[]>;

async function compete(
  folder: string,
  sizes: Pick<Arena, "jobs" | "concurrency">,
  rounds: number,
): Promise<Measurements> {
  await using redis = await startEmbeddedRedis({ dataDirectory: folder });
  const vendor = fork(new URL("./vendor-server.ts", import.meta.url));
  const [{ port }] = (await once(vendor, "message")) as [{ port: number }];
  const workers = {
    bare: fork(new URL("./bare-worker.ts", import.meta.url)),
    ours: fork(new URL("./our-worker.ts", import.meta.url)),
  };
  const arena: Arena = { redisPath: redis.path, baseUrl: `http://127.0.0.1:${port}/v1`, ...sizes };
  const measured: Measurements = { bare: [], ours: [] };
  try {
    console.log(
      `${arena.jobs} jobs a round, concurrency ${arena.concurrency}, ${rounds} rounds after one to warm up; Redis with AOF\n`,
    );
    for (let round = 0; round <= rounds; round++) {
      for (const contestant of round % 2 === 0 ? (["bare", "ours"] as const) : (["ours", "bare"] as const)) {
        const measurement = await measure(contestant, workers[contestant], {
          ...arena,
          namespace: `${contestant}${round}`,
        });
        measured[contestant].push(measurement);
        printRound(round, contestant, measurement);
      }
    }
  } finally {
    for (const child of [vendor, ...Object.values(workers)]) child.disconnect();
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
async function measure(contestant: Contestant, worker: ChildProcess, round: Round): Promise<Measurement> {
  const connection = new Redis({ path: round.redisPath, maxRetriesPerRequest: null });
  const queue = contestant === "bare" ? await fillBare(connection, round) : await fillOurs(connection, round);
  const redisBefore = await redisCpuMs(connection);
  const startedAt = performance.now();
  await ask(worker, { do: "start", ...round });
  await untilEmpty(queue);
  const elapsedMs = performance.now() - startedAt;
  const redisMs = (await redisCpuMs(connection)) - redisBefore;
  const reply = await ask(worker, { do: "stop" });
  const cpuMs = "cpuMs" in reply ? reply.cpuMs : Number.NaN;
  await queue.obliterate({ force: true });
  await queue.close();
  await connection.flushall();
  connection.disconnect();
  return {
    jobsPerSecond: (round.jobs / elapsedMs) * 1000,
    cpuMsPerJob: cpuMs / round.jobs,
    redisMsPerJob: redisMs / round.jobs,
  };
}

async function redisCpuMs(connection: Redis): Promise<number> {
  const seconds = [...(await connection.info("cpu")).matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, value]) =>
    Number(value),
  );
  return seconds.reduce((sum, value) => sum + value, 0) * 1000;
}

async function ask(worker: ChildProcess, request: Request): Promise<Reply> {
  worker.send(request);
  const [reply] = (await once(worker, "message")) as [Reply];
  return reply;
}

async function untilEmpty(queue: Queue): Promise<void> {
  for (;;) {
    const counts = await queue.getJobCounts("wait", "prioritized", "active", "delayed");
    if (Object.values(counts).every((count) => count === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const TOPIC = "the smell of rain on warm stones";

async function fillBare(connection: Redis, { jobs, namespace }: Round): Promise<Queue> {
  const queue = new Queue(BARE_QUEUE, { connection, prefix: `{${namespace}}` });
  for (let first = 0; first < jobs; first += 1000) {
    const size = Math.min(1000, jobs - first);
    await queue.addBulk(
      Array.from({ length: size }, () => ({ name: "generate", data: { prompt: `Write a post about ${TOPIC}.` } })),
    );
  }
  return queue;
}

async function fillOurs(connection: Redis, { jobs, namespace, redisPath }: Round): Promise<Queue> {
  const config = { ...loadConfig({ environment: {}, directory: "/", isTerminal: false }), namespace };
  const { agent } = parseAgentObject(
    "agent",
    { id: "bench", name: "Bench", custom_system_prompt: "You write short posts." },
    compileOptions(config),
  );
  await using producer = composeProducer({
    config,
    address: { path: redisPath },
    agents: new Map([[agent.id, agent]]),
  });
  await producer.enqueueMany(
    Array.from({ length: jobs }, () => ({ kind: "tweet" as const, agent: "bench", context: { topic: TOPIC } })),
  );
  const lane = laneOf(agent).name;
  return new Queue(lane, { connection, prefix: lanePrefix(namespace, lane) });
}
