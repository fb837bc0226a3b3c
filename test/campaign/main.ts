/** `npm run test:campaign -- --kills N --jobs M --seed S`: things happen to a system at work, and then its books must balance. */
import { Command, InvalidArgumentError } from "commander";
import { runCampaign } from "./run-campaign.ts";
import { findBroken, renderReport } from "./report.ts";

interface Options {
  readonly [count: string]: number | string;
  readonly seed: string;
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

const program = new Command("npm run test:campaign --")
  .description(
    "Workers of their own and a Redis of its own work off jobs while they are killed, stopped, restarted and cut off, and\n" +
      "the provider has its storms. Then the provider's ledger, usage rows, orphans, results and counters are held against\n" +
      "each other, to the call. Ends with 1 when a promise was broken.",
  )
  .option("--jobs <n>", "jobs to acknowledge", count, 2000)
  .option("--kills <n>", "SIGKILL of a worker", count, 50)
  .option("--stops <n>", "SIGSTOP of a worker, for 1 to 25 s", count, 3)
  .option("--restarts <n>", "rolling restarts: a successor, then SIGTERM", count, 10)
  .option("--redis-kills <n>", "SIGKILL of Redis, which is started again", count, 5)
  .option("--partitions <n>", "nothing passes between workers and Redis", count, 1)
  .option("--partition-seconds <n>", "how long a partition lasts", count, 30)
  .option("--storms <n>", "the provider fails four calls of ten for some seconds", count, 5)
  .option("--workers <n>", "worker processes", count, 6)
  .option("--concurrency <n>", "jobs in work per worker", count, 4)
  .option("--answer-ms <n>", "mean time of an answer", count, 125)
  .option("--pause-ms <n>", "mean pause between two events", count, 800)
  .option("--seed <text>", "what happens, and when, follows from it", String(Date.now() % 1_000_000));

const options = program.parse(process.argv.filter((argument) => argument !== "--")).opts<Options>();
const number = (name: string): number => Number(options[name]);
console.log(`seed ${options.seed}`);
let toldMs = 0;
const outcome = await runCampaign({
  seed: options.seed,
  jobs: number("jobs"),
  workers: number("workers"),
  concurrency: number("concurrency"),
  meanPauseMs: number("pauseMs"),
  partitionMs: number("partitionSeconds") * 1000,
  meanAnswerMs: number("answerMs"),
  events: {
    kill: number("kills"),
    stop: number("stops"),
    restart: number("restarts"),
    redisKill: number("redisKills"),
    partition: number("partitions"),
    storm: number("storms"),
  },
  onProgress(line) {
    if (performance.now() - toldMs < 5000) return;
    toldMs = performance.now();
    console.error(line);
  },
});
console.log(renderReport(outcome));
const broken = findBroken(outcome);
for (const line of broken) console.log(`BROKEN  ${line}`);
console.log(
  broken.length === 0 ? "Every promise was kept." : `${broken.length} promises were broken; seed ${options.seed}`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
