import type { Benchmark, OptionValues } from "../benchmark.ts";
import { renderTable } from "../table.ts";
import { withRedis } from "../with-redis.ts";
import { measureRetention, type RetentionSample } from "./measure-retention.ts";

/** What is left in Redis of jobs that have ended, when results are kept for seconds. */
export const retention: Benchmark = {
  summary:
    "memory and keys of Redis after many jobs of many agents, when results are kept for seconds: flat from the first quarter on",
  options: {
    jobs: { describe: "jobs, in four quarters", default: 100_000 },
    agents: { describe: "agents that take turns", default: 1000 },
    seconds: { describe: "how long results are kept", default: 2 },
    rows: { describe: "usage rows that are kept", default: 5000 },
  },
  async run(values: OptionValues) {
    await withRedis(async (redis) => {
      const plan = {
        ...{ jobs: values.count("jobs"), agents: values.count("agents") },
        ...{ resultsSeconds: values.count("seconds"), usageRows: values.count("rows") },
      };
      print(await measureRetention({ redis: redis.connection, path: redis.path }, plan, tell));
    });
  },
};

function tell({ jobs }: RetentionSample): void {
  console.error(`${jobs} jobs have ended`);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}

function print(samples: readonly RetentionSample[]): void {
  const rows = samples.map(({ jobs, keys, bytes, indexBytes }) => [
    String(jobs),
    String(keys),
    megabytes(bytes),
    megabytes(indexBytes),
    megabytes(bytes - indexBytes),
  ]);
  console.log(renderTable(["jobs ended", "keys", "MiB", "index of results", "without it"], rows));
}
