/**
 * Draws docs/images/limits.svg from two real runs: a worker with everything it has, against a vendor on this machine that
 * enforces a limit and writes down when each call came. Nobody outside is called.
 *   node scripts/draw-limits.ts [file]
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { benchAgent, benchProducer, countUnwritten, jobIds, tweets } from "../bench/our-jobs.ts";
import { startProgram, type Program } from "../bench/programs.ts";
import { MODEL } from "../bench/prompt.ts";
import { withRedis, type BenchRedis } from "../bench/with-redis.ts";
import type { WorkerProgram } from "../bench/worker-program.ts";
import { packageRoot } from "../src/platform/package-root.ts";
import { startLimitedVendor, type LimitedVendor } from "../test/support/limited-vendor.ts";
import { drawLimits, type SeenCall } from "./limits-picture.ts";

const FILE = resolve(process.argv[2] ?? join(packageRoot(), "docs/images/limits.svg"));
const REQUESTS_PER_MINUTE = 2400;
const TOO_HIGH_PER_MINUTE = 1.5 * REQUESTS_PER_MINUTE;
const JOBS = 200;
const CONCURRENCY = 64;
const LONGEST_RUN_MS = 60_000;
/** Compiles the code of both sides, with a key of its own. */
const WARM_UP_JOBS = 20;

interface Arena {
  readonly redis: BenchRedis;
  readonly worker: Program<WorkerProgram>;
  readonly vendor: LimitedVendor;
}

async function draw(): Promise<void> {
  await using vendor = await startLimitedVendor({
    requestsPerMinute: REQUESTS_PER_MINUTE,
    medianLatencyMs: 150,
    limitHeaders: false,
    retryAfter: "none",
  });
  await withRedis(async (redis) => {
    using worker = startProgram<WorkerProgram>(new URL("../bench/our-worker.ts", import.meta.url));
    const arena = { redis, worker, vendor };
    await run(arena, { name: "warm-up", jobs: WARM_UP_JOBS, toldPerMinute: REQUESTS_PER_MINUTE });
    const toldRight = await run(arena, { name: "right", jobs: JOBS, toldPerMinute: REQUESTS_PER_MINUTE });
    const toldTooHigh = await run(arena, { name: "too-high", jobs: JOBS, toldPerMinute: TOO_HIGH_PER_MINUTE });
    const limits = { perMinute: REQUESTS_PER_MINUTE, toldPerMinute: TOO_HIGH_PER_MINUTE };
    await mkdir(dirname(FILE), { recursive: true });
    await writeFile(FILE, drawLimits({ ...limits, toldRight, toldTooHigh }));
  });
  console.log(FILE);
}

interface RunOptions {
  /** Of the namespace and the key: each run knows nothing at its start. */
  readonly name: string;
  readonly jobs: number;
  readonly toldPerMinute: number;
}

/** @returns the vendor's ledger; times count from the first call */
async function run({ redis, worker, vendor }: Arena, { name, jobs, toldPerMinute }: RunOptions): Promise<SeenCall[]> {
  const agent = benchAgent();
  await using producer = await benchProducer(redis, name, [agent]);
  while (vendor.fullInMs() > 0) await sleep(Math.ceil(vendor.fullInMs()));
  vendor.restart();
  await worker.ask("start", {
    redisPath: redis.path,
    namespace: name,
    concurrency: CONCURRENCY,
    baseUrl: vendor.baseUrl,
    apiKey: name,
    limits: [{ provider: "openai", model: MODEL, requestsPerMinute: toldPerMinute }],
  });
  const ids = jobIds(name, jobs);
  await producer.enqueueMany(tweets(agent, ids));
  const lost = await countUnwritten(producer, ids, LONGEST_RUN_MS);
  await worker.ask("stop");
  if (lost > 0) throw new Error(`${lost} of ${jobs} jobs of the run ${name} have no text`);
  const startedAt = vendor.calls[0]?.at ?? 0;
  return vendor.calls.map(({ at, outcome }) => ({ atMs: at - startedAt, isAccepted: outcome === "accepted" }));
}

await draw();
