import { setTimeout as sleep } from "node:timers/promises";
import { choose, type Benchmark, type OptionValues } from "../benchmark.ts";
import type { LimitedVendorProgram } from "../limits/vendor-program.ts";
import { CLOSED_PORT_URL, type LocalVendorProgram } from "../local-vendor-program.ts";
import { benchAgent, benchProducer, countUnwritten, jobIds, tweets } from "../our-jobs.ts";
import { startProgram, type Program } from "../programs.ts";
import { MODEL } from "../prompt.ts";
import { median, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { ConfiguredLimit, WorkerProgram } from "../worker-program.ts";

/** What a lane that cannot go on takes away from one that can, in the same process. */
export const lanes: Benchmark = {
  summary: "throughput of a healthy lane alone, and beside one that is limited, paused or dead",
  options: {
    beside: { describe: "only those that begin so: limited, paused, hangs, refuses", default: "" },
    jobs: { describe: "jobs in either lane", default: 2000 },
    pairs: { describe: "runs alone and beside it, in turns", default: 5 },
    "settle-ms": { describe: "how long the worker has run before the healthy lane gets its jobs", default: 5000 },
  },
  async run(values) {
    const troubles = choose(TROUBLES, "beside", values);
    await withRedis(async (redis) => {
      using local = startProgram<LocalVendorProgram>(new URL("../local-vendor.ts", import.meta.url));
      using limited = startProgram<LimitedVendorProgram>(new URL("../limits/vendor.ts", import.meta.url));
      using worker = startProgram<WorkerProgram>(new URL("../our-worker.ts", import.meta.url));
      const origin = await local.ask("start", { latencyMs: LATENCY_MS });
      const limitedUrl = await limited.ask("start", {
        requestsPerMinute: LIMIT_PER_MINUTE,
        medianLatencyMs: LATENCY_MS,
      });
      await compare({ redis, worker, origin, limitedUrl, values }, troubles);
    });
  },
};

const LATENCY_MS = 20;
const LIMIT_PER_MINUTE = 600;
const CONCURRENCY = 64;
const LONGEST_RUN_MS = 300_000;

const HEALTHY = benchAgent("healthy", { llm_provider: "grok", llm_config: { model: "grok-4.3" } });
const OTHER = benchAgent("other", { llm_config: { model: MODEL, timeout: 2 } });

interface Arena {
  readonly redis: BenchRedis;
  readonly worker: Program<WorkerProgram>;
  /** Of the local vendor. */
  readonly origin: string;
  readonly limitedUrl: string;
  readonly values: OptionValues;
}

/** What is the matter with the other lane. */
interface Trouble {
  readonly name: string;
  readonly limits: readonly ConfiguredLimit[];
  baseUrl(arena: Arena): string;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: "limited",
    limits: [{ provider: "openai", model: MODEL, requestsPerMinute: LIMIT_PER_MINUTE }],
    baseUrl: ({ limitedUrl }) => limitedUrl,
  },
  { name: "paused", limits: [], baseUrl: ({ origin }) => `${origin}/quota/v1` },
  { name: "hangs", limits: [], baseUrl: ({ origin }) => `${origin}/hang/v1` },
  { name: "refuses", limits: [], baseUrl: () => CLOSED_PORT_URL },
];

async function compare(arena: Arena, troubles: readonly Trouble[]): Promise<void> {
  process.stdout.write("warm-up  ");
  console.log(`alone ${(await run(arena, null, "warm-up")).toFixed(0)} jobs/s`);
  const rows: string[][] = [];
  for (const trouble of troubles) rows.push(await comparePairs(arena, trouble));
  console.log(`\n${renderTable(["beside", "alone (jobs/s)", "beside it (jobs/s)", "beside ÷ alone"], rows)}`);
}

/** Alternately first, so that a machine that slows down favours neither. */
async function comparePairs(arena: Arena, trouble: Trouble): Promise<string[]> {
  const pairs = arena.values.count("pairs");
  const measured: { alone: number; beside: number }[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    process.stdout.write(`${trouble.name.padEnd(7)}  pair ${pair}/${pairs}  `);
    const rates = { alone: 0, beside: 0 };
    for (const arm of pair % 2 === 0 ? (["alone", "beside"] as const) : (["beside", "alone"] as const)) {
      rates[arm] = await run(arena, arm === "alone" ? null : trouble, `${trouble.name}-${pair}-${arm}`);
    }
    measured.push(rates);
    console.log(`alone ${rates.alone.toFixed(0)}  beside ${rates.beside.toFixed(0)} jobs/s`);
  }
  const ratios = measured.map(({ alone, beside }) => beside / alone);
  const alone = measured.map((rates) => rates.alone);
  const beside = measured.map((rates) => rates.beside);
  return [
    trouble.name,
    `${median(alone).toFixed(0)} (${spread(alone, 0)})`,
    `${median(beside).toFixed(0)} (${spread(beside, 0)})`,
    `${median(ratios).toFixed(2)} (${spread(ratios, 2)})`,
  ];
}

/** @returns jobs per second of the healthy lane */
async function run(arena: Arena, trouble: Trouble | null, namespace: string): Promise<number> {
  const { redis, worker, origin, values } = arena;
  await using producer = await benchProducer(redis, namespace, [HEALTHY, OTHER]);
  const jobs = values.count("jobs");
  if (trouble !== null) await producer.enqueueMany(tweets(OTHER, jobIds("other", jobs)));
  await worker.ask("start", {
    redisPath: redis.path,
    namespace,
    concurrency: CONCURRENCY,
    baseUrl: trouble?.baseUrl(arena) ?? CLOSED_PORT_URL,
    grokUrl: `${origin}/ok/v1`,
    apiKey: "bench",
    limits: trouble?.limits ?? [],
  });
  await sleep(values.count("settle-ms"));
  const ids = jobIds("healthy", jobs);
  const startedAt = performance.now();
  await producer.enqueueMany(tweets(HEALTHY, ids));
  const lost = await countUnwritten(producer, ids, LONGEST_RUN_MS);
  const elapsedMs = performance.now() - startedAt;
  if (lost > 0) throw new Error(`${lost} jobs of the healthy lane have no text`);
  await worker.ask("stop");
  await redis.connection.flushall();
  return (jobs / elapsedMs) * 1000;
}
