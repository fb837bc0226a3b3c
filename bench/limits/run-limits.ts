import { choose, type Benchmark, type OptionValues } from "../benchmark.ts";
import { startProgram } from "../programs.ts";
import { median, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { WorkerProgram } from "../worker-program.ts";
import { runBullmq, runIdeal, runOurs, type Outcome, type Run } from "./contestants.ts";
import type { IdealProgram } from "./ideal-loop.ts";
import { SCENARIOS, theoreticalMinimumMs, type Scenario } from "./scenarios.ts";
import type { LimitedVendorProgram } from "./vendor-program.ts";

/** How much of a vendor's limit is used, and how often it has to refuse. */
export const limits: Benchmark = {
  summary: "how much of a vendor's limit is used, beside an ideal loop and BullMQ's own limiter",
  options: {
    scenario: { describe: `only those that begin so: ${SCENARIOS.map(({ name }) => name).join(", ")}`, default: "" },
    jobs: { describe: "jobs a run", default: 600 },
    rounds: { describe: "runs of every contestant", default: 3 },
  },
  async run(values) {
    const scenarios = choose(SCENARIOS, "scenario", values);
    await withRedis(async (redis) => {
      using arena = startArena(redis);
      for (const scenario of scenarios) report(scenario, await compete(arena, scenario, values));
    });
  },
};

type Contestant = "ideal" | "ours" | "bullmq";
const CONTESTANTS: readonly Contestant[] = ["ideal", "ours", "bullmq"];

interface Arena extends Disposable {
  readonly redis: BenchRedis;
  readonly vendor: Run["vendor"];
  run(contestant: Contestant, run: Run): Promise<Outcome>;
}

function startArena(redis: BenchRedis): Arena {
  using started = new DisposableStack();
  const most = Math.max(...SCENARIOS.map(({ concurrencies }) => concurrencies.length));
  const startWorkers = (file: URL) =>
    Array.from({ length: most }, () => started.use(startProgram<WorkerProgram>(file)));
  const vendor = started.use(startProgram<LimitedVendorProgram>(new URL("./vendor.ts", import.meta.url)));
  const ideal = started.use(startProgram<IdealProgram>(new URL("./ideal-loop.ts", import.meta.url)));
  const ours = startWorkers(new URL("../our-worker.ts", import.meta.url));
  const bullmq = startWorkers(new URL("./bullmq-worker.ts", import.meta.url));
  const running = started.move();
  return {
    redis,
    vendor,
    async run(contestant, run) {
      switch (contestant) {
        case "ideal":
          return await runIdeal(ideal, run);
        case "ours":
          return await runOurs(ours, run);
        case "bullmq":
          return await runBullmq(bullmq, run);
        default:
          return contestant satisfies never;
      }
    },
    [Symbol.dispose]: () => running.dispose(),
  };
}

interface Measurement extends Outcome {
  readonly utilisation: number;
  readonly refused: number;
}

type Measurements = Readonly<Record<Contestant, Measurement[]>>;

async function compete(arena: Arena, scenario: Scenario, values: OptionValues): Promise<Measurements> {
  const measured: Measurements = { ideal: [], ours: [], bullmq: [] };
  const rounds = values.count("rounds");
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < CONTESTANTS.length; turn++) {
      // Nobody is always the first.
      const contestant = CONTESTANTS[(round + turn) % CONTESTANTS.length] ?? "ours";
      process.stdout.write(`${scenario.name}  round ${round + 1}/${rounds}  ${contestant.padEnd(6)} `);
      const measurement = await measure(arena, contestant, { scenario, round, jobs: values.count("jobs") });
      measured[contestant].push(measurement);
      const { wallMs, utilisation, refused, lost } = measurement;
      console.log(`${(wallMs / 1000).toFixed(2)} s  ${percent(utilisation)}  ${refused} refused  ${lost} lost`);
    }
  }
  return measured;
}

interface Attempt {
  readonly scenario: Scenario;
  readonly round: number;
  readonly jobs: number;
}

/** The same answers for every contestant of a round. */
async function measure(arena: Arena, contestant: Contestant, attempt: Attempt): Promise<Measurement> {
  const { redis, vendor } = arena;
  const { jobs, round } = attempt;
  const scenario = { ...attempt.scenario, vendor: { ...attempt.scenario.vendor, seed: `round ${round}` } };
  const baseUrl = await vendor.ask("start", scenario.vendor);
  const namespace = `${contestant}${round}`;
  const withinMs = 60_000 + 10 * theoreticalMinimumMs(scenario.vendor, jobs);
  const outcome = await arena.run(contestant, { redis, scenario, vendor, baseUrl, namespace, jobs, withinMs });
  const { refused } = await vendor.ask("counts");
  // Who gives jobs up is soon done, and has used no more of the limit for that.
  const minimumMs = theoreticalMinimumMs(scenario.vendor, jobs - outcome.lost);
  return { ...outcome, utilisation: minimumMs / outcome.wallMs, refused };
}

function report(scenario: Scenario, measured: Measurements): void {
  const rows = CONTESTANTS.map((contestant) => {
    const runs = measured[contestant];
    const used = runs.map(({ utilisation }) => utilisation * 100);
    const wallSeconds = runs.map(({ wallMs }) => wallMs / 1000);
    const refused = runs.map((run) => run.refused);
    const starts = runs.map(({ startsPerJob }) => startsPerJob ?? Number.NaN);
    return [
      contestant,
      `${median(used).toFixed(1)} % (${spread(used, 1)})`,
      `${median(wallSeconds).toFixed(2)} (${spread(wallSeconds, 2)})`,
      `${median(refused)} (${spread(refused, 0)})`,
      String(runs.reduce((sum, { lost }) => sum + lost, 0)),
      contestant === "ideal" ? "" : median(starts).toFixed(2),
    ];
  });
  const head = [scenario.name, "limit used", "wall (s)", "refused", "lost", "starts/job"];
  console.log(`\n${renderTable(head, rows)}\n`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
