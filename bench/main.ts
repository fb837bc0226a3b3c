/** `npm run bench -- [name] [options]`: measures, prints medians and spread. No argument: the throughput of the whole path. */
import { runThroughput } from "./throughput/compare.ts";

const BENCHMARKS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = { throughput: runThroughput };

const given = process.argv.slice(2).filter((argument) => argument !== "--");
const [name = "throughput", ...args] = given[0]?.startsWith("-") === true ? ["throughput", ...given] : given;
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  console.error(`unknown benchmark ${name}; there are: ${Object.keys(BENCHMARKS).join(", ")}`);
  process.exitCode = 2;
} else {
  await benchmark(args);
}
