/** `npm run bench -- [name] [options]`: measures, prints medians and spread. No name: the throughput of the whole path. */
import { helpText, parseOptions, UsageError, type Benchmark } from "./benchmark.ts";
import { bulk } from "./bulk/run-bulk-bench.ts";
import { failover } from "./failover/run-failover.ts";
import { lanes } from "./lanes/run-lanes.ts";
import { limits } from "./limits/run-limits.ts";
import { monitor } from "./monitor/run-monitor.ts";
import { priority } from "./priority/run-priority.ts";
import { retention } from "./retention/run-retention.ts";
import { throughput } from "./throughput/compare.ts";
import { variety } from "./variety/run-variety.ts";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  throughput,
  limits,
  failover,
  lanes,
  priority,
  variety,
  bulk,
  monitor,
  retention,
};

async function main(given: readonly string[]): Promise<void> {
  if (given.includes("--help") || given.includes("-h")) return console.log(helpText(BENCHMARKS));
  const [name = "throughput", ...args] = given[0]?.startsWith("-") === true ? ["throughput", ...given] : given;
  const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (benchmark === undefined) {
    throw new UsageError(`unknown benchmark ${name}; there are: ${Object.keys(BENCHMARKS).join(", ")}`);
  }
  await benchmark.run(parseOptions(benchmark, args));
}

try {
  await main(process.argv.slice(2).filter((argument) => argument !== "--"));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
