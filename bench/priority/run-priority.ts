import { setTimeout as sleep } from "node:timers/promises";
import type { Benchmark, OptionValues } from "../benchmark.ts";
import type { LimitedVendorProgram } from "../limits/vendor-program.ts";
import { benchAgent, benchProducer, jobIds, laneQueue, tweets } from "../our-jobs.ts";
import { startProgram, type Program } from "../programs.ts";
import { MODEL } from "../prompt.ts";
import { percentile } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { WorkerProgram } from "../worker-program.ts";
import type { Producer } from "../../src/queue/producer.ts";

/** How long somebody waits for a reply while bulk work fills the same lane up to the vendor's limit. */
export const priority: Benchmark = {
  summary: "how long replies wait behind a lane full of bulk jobs, beside the same lane with nothing else in it",
  options: {
    bulk: { describe: "bulk jobs that wait", default: 10_000 },
    seconds: { describe: "how long replies are asked for, one a second", default: 300 },
    alone: { describe: "seconds of replies without bulk jobs, before", default: 30 },
  },
  async run(values) {
    await withRedis(async (redis) => {
      using vendor = startProgram<LimitedVendorProgram>(new URL("../limits/vendor.ts", import.meta.url));
      using first = startProgram<WorkerProgram>(new URL("../our-worker.ts", import.meta.url));
      using second = startProgram<WorkerProgram>(new URL("../our-worker.ts", import.meta.url));
      await measure({ redis, vendor, workers: [first, second] }, values);
    });
  },
};

const REQUESTS_PER_MINUTE = 600;
const AGENT = benchAgent();

interface Arena {
  readonly redis: BenchRedis;
  readonly vendor: Program<LimitedVendorProgram>;
  readonly workers: readonly Program<WorkerProgram>[];
}

async function measure({ redis, vendor, workers }: Arena, values: OptionValues): Promise<void> {
  const limit = { requestsPerMinute: REQUESTS_PER_MINUTE };
  const baseUrl = await vendor.ask("start", { ...limit, medianLatencyMs: 150 });
  await using producer = await benchProducer(redis, "priority", [AGENT]);
  const limits = [{ provider: "openai", model: MODEL, ...limit }];
  const start = { redisPath: redis.path, namespace: "priority", concurrency: 64, baseUrl, apiKey: "bench", limits };
  await Promise.all(workers.map((worker) => worker.ask("start", start)));
  const alone = await replyWaits(producer, "alone", values.count("alone"));
  await vendor.ask("refill");

  const bulk = values.count("bulk");
  await producer.enqueueMany(tweets(AGENT, jobIds("bulk", bulk)));
  const startedAt = performance.now();
  const beside = await replyWaits(producer, "beside", values.count("seconds"));
  const seconds = (performance.now() - startedAt) / 1000;
  const { accepted, refused } = await vendor.ask("counts");
  const { waiting, prioritized, delayed } = await statesOf(redis);
  await Promise.all(workers.map((worker) => worker.ask("stop")));
  console.log(
    `\n${renderTable(
      ["replies", "p50 (ms)", "p95 (ms)", "longest (ms)", "replies"],
      [row("alone", alone), row(`beside ${bulk} bulk jobs`, beside)],
    )}`,
  );
  const used = (accepted / ((seconds * REQUESTS_PER_MINUTE) / 60)) * 100;
  console.log(
    `${accepted} calls in ${seconds.toFixed(0)} s (${used.toFixed(1)} % of the limit), ${refused} refused; ` +
      `still waiting: ${waiting + prioritized} in the lane, ${delayed} delayed`,
  );
}

/** From the moment at which a reply is enqueued until its call begins. */
async function replyWaits(producer: Producer, name: string, count: number): Promise<number[]> {
  const replies: Promise<number>[] = [];
  for (let second = 1; second <= count; second++) {
    replies.push(replyWait(producer, `${name}-${second}`));
    await sleep(1000);
    if (second % 30 === 0) console.log(`${name}: ${second} of ${count} replies asked for`);
  }
  return await Promise.all(replies);
}

async function replyWait(producer: Producer, id: string): Promise<number> {
  const startedAt = performance.now();
  await producer.enqueue({ kind: "reply", id, agent: AGENT.id, mention: "Rain again?" });
  const result = await producer.result(id, { waitMs: Infinity });
  if (result?.status !== "succeeded") throw new Error(`${id} has no text: ${result?.status}`);
  return performance.now() - startedAt - (result.attempts.at(-1)?.durationMs ?? 0);
}

async function statesOf(redis: BenchRedis): Promise<{ waiting: number; prioritized: number; delayed: number }> {
  const queue = laneQueue(redis, "priority", AGENT);
  const { waiting = 0, prioritized = 0, delayed = 0 } = await queue.getJobCounts();
  await queue.close();
  return { waiting, prioritized, delayed };
}

function row(name: string, waits: readonly number[]): string[] {
  const shown = [percentile(waits, 0.5), percentile(waits, 0.95), Math.max(...waits)].map((ms) => ms.toFixed(0));
  return [name, ...shown, String(waits.length)];
}
