import type { Agent } from "../../src/agents/agent.ts";
import type { Producer } from "../../src/queue/producer.ts";
import { choose, type Benchmark, type OptionValues } from "../benchmark.ts";
import { CLOSED_PORT_URL, type Behaviour, type LocalVendorProgram } from "../local-vendor-program.ts";
import { benchAgent, benchProducer, countUnwritten, jobIds, tweets } from "../our-jobs.ts";
import { MODEL } from "../prompt.ts";
import { startProgram, type Program } from "../programs.ts";
import { median, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { WorkerProgram } from "../worker-program.ts";

/** What an agent's fall-back costs: added latency over an agent that has the fall-back as its only provider. */
export const failover: Benchmark = {
  summary: "latency that a failing provider adds before its fall-back has answered, by kind of failure",
  options: {
    failure: { describe: "only those that begin so: refuses, hangs, 500, 401, quota", default: "" },
    rounds: { describe: "rounds, each in a new namespace", default: 3 },
    pairs: { describe: "failed-over and direct jobs a round, in turns", default: 20 },
    opening: { describe: "jobs at once, for the breaker to open by them", default: 40 },
  },
  async run(values) {
    const failures = choose(FAILURES, "failure", values);
    await withRedis(async (redis) => {
      using vendor = startProgram<LocalVendorProgram>(new URL("../local-vendor.ts", import.meta.url));
      using worker = startProgram<WorkerProgram>(new URL("../our-worker.ts", import.meta.url));
      const origin = await vendor.ask("start", { latencyMs: VENDOR_LATENCY_MS });
      await compareFailures({ redis, worker, origin, values }, failures);
    });
  },
};

const VENDOR_LATENCY_MS = 5;
/** Direct jobs before anything is measured. */
const WARM_UP_JOBS = 30;
/** A steady state in which every job waits for a time-out is measured by the jobs that fit into this. */
const LONGEST_STEADY_MS = 30_000;
const LONGEST_JOB_MS = 120_000;

interface Failure {
  readonly name: string;
  /** `null`: nobody listens there. */
  readonly behaviour: Behaviour | null;
}

const FAILURES: readonly Failure[] = [
  { name: "refuses", behaviour: null },
  { name: "hangs", behaviour: "hang" },
  { name: "500", behaviour: "500" },
  { name: "401", behaviour: "401" },
  { name: "quota", behaviour: "quota" },
];

const FALLBACK = { model: "grok-4.3", timeout: 2 };
const DIRECT = benchAgent("direct", { llm_provider: "grok", llm_config: FALLBACK });
const FAILING_OVER = benchAgent("failing-over", {
  llm_provider: "openai",
  llm_config: { model: MODEL, timeout: 2, fallback_provider: "grok", fallback_config: FALLBACK },
});

interface Arena {
  readonly redis: BenchRedis;
  readonly worker: Program<WorkerProgram>;
  /** Of the local vendor. */
  readonly origin: string;
  readonly values: OptionValues;
}

/** All in ms. */
interface Round {
  readonly directMs: readonly number[];
  readonly firstMs: number;
  readonly steadyMs: readonly number[];
}

async function compareFailures(arena: Arena, failures: readonly Failure[]): Promise<void> {
  const { values } = arena;
  // Compiles the code of both ways once.
  await runRound(arena, { name: "401", behaviour: "401" }, "warm-up");
  const rows: string[][] = [];
  for (const failure of failures) {
    const rounds: Round[] = [];
    for (let round = 1; round <= values.count("rounds"); round++) {
      process.stdout.write(`${failure.name.padEnd(7)}  round ${round}/${values.count("rounds")}  `);
      const measured = await runRound(arena, failure, `${failure.name}-${round}`);
      rounds.push(measured);
      const [direct, steady] = [median(measured.directMs), median(measured.steadyMs)];
      console.log(`direct ${ms(direct)}  first ${ms(measured.firstMs)}  steady ${ms(steady)} ms`);
    }
    rows.push(rowOf(failure, rounds));
  }
  const head = ["primary", "direct p50 (ms)", "first job adds", "steady p50 (ms)", "steady adds", "worst adds", "jobs"];
  console.log(`\n${renderTable(head, rows)}`);
}

/** In a namespace of its own, so that nothing is known about the failure at the start. */
async function runRound({ redis, worker, origin, values }: Arena, failure: Failure, namespace: string): Promise<Round> {
  await using producer = await benchProducer(redis, namespace, [DIRECT, FAILING_OVER]);
  await worker.ask("start", {
    redisPath: redis.path,
    namespace,
    // Only the jobs that open the breaker are many at once.
    concurrency: 64,
    baseUrl: failure.behaviour === null ? CLOSED_PORT_URL : `${origin}/${failure.behaviour}/v1`,
    grokUrl: `${origin}/ok/v1`,
    apiKey: "bench",
  });
  for (const id of jobIds("warm-up", WARM_UP_JOBS)) await timeJob(producer, DIRECT, id);
  const firstMs = await timeJob(producer, FAILING_OVER, "first");
  const opening = jobIds("opening", values.count("opening"));
  await producer.enqueueMany(tweets(FAILING_OVER, opening));
  await countUnwritten(producer, opening, LONGEST_JOB_MS);
  const pairs = await timePairs(producer, values.count("pairs"));
  await worker.ask("stop");
  await redis.connection.flushall();
  return { firstMs, ...pairs };
}

async function timePairs(producer: Producer, pairs: number): Promise<Omit<Round, "firstMs">> {
  const directMs: number[] = [];
  const steadyMs: number[] = [];
  const startedAt = performance.now();
  for (let pair = 0; pair < pairs && performance.now() - startedAt < LONGEST_STEADY_MS; pair++) {
    directMs.push(await timeJob(producer, DIRECT, `direct-${pair}`));
    steadyMs.push(await timeJob(producer, FAILING_OVER, `steady-${pair}`));
  }
  return { directMs, steadyMs };
}

/** From enqueuing to the result, one job at a time. */
async function timeJob(producer: Producer, agent: Agent, id: string): Promise<number> {
  const startedAt = performance.now();
  await producer.enqueueMany(tweets(agent, [id], "reply"));
  const result = await producer.result(id, { waitMs: LONGEST_JOB_MS });
  if (result?.status !== "succeeded") throw new Error(`job ${id} has no text: ${result?.reason ?? "it has not ended"}`);
  return performance.now() - startedAt;
}

/** Added times are over the direct jobs of the same round. */
function rowOf({ name }: Failure, rounds: readonly Round[]): string[] {
  const direct = rounds.map(({ directMs }) => median(directMs));
  const overDirect = (values: readonly number[]): number[] =>
    values.map((value, round) => value - (direct[round] ?? 0));
  const first = overDirect(rounds.map(({ firstMs }) => firstMs));
  const steady = rounds.map(({ steadyMs }) => median(steadyMs));
  const worst = overDirect(rounds.map(({ steadyMs }) => Math.max(...steadyMs)));
  return [
    name,
    ms(median(direct)),
    withSpread(first),
    ms(median(steady)),
    withSpread(overDirect(steady)),
    ms(Math.max(...worst)),
    String(rounds.reduce((sum, { steadyMs }) => sum + steadyMs.length, 0)),
  ];
}

function withSpread(values: readonly number[]): string {
  return `${ms(median(values))} (${spread(values, 1)})`;
}

function ms(value: number): string {
  return value.toFixed(1);
}
