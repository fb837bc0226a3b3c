import { Option } from "commander";
import { systemClock } from "../platform/clock.ts";
import { connectRedis, withRedis } from "../platform/redis.ts";
import { USAGE_DIMENSIONS, readUsage, type UsageDimension } from "../storage/usage-report.ts";
import { EXIT } from "./exit-codes.ts";
import { numberOfDays } from "./options.ts";
import type { AddCommand } from "./command.ts";
import { usageTable } from "./tables.ts";
import { openWorkplace } from "./workplace.ts";

interface UsageOptions {
  readonly by: UsageDimension;
  readonly days: number;
  readonly json?: boolean;
}

const DEFAULT_DAYS = 30;

export const usageCommand: AddCommand = (program, end) => {
  program
    .command("usage")
    .description("requests, tokens, cost, latency and feedback")
    .addOption(new Option("--by <dimension>", "how to group them").choices(USAGE_DIMENSIONS).default("provider"))
    .option("--days <n>", "the last n days (UTC), at most 400", numberOfDays, DEFAULT_DAYS)
    .option("--json", "print JSON")
    .action(async (options: UsageOptions) => {
      await showUsage(options);
      end(EXIT.ok);
    });
};

async function showUsage({ by, days, json = false }: UsageOptions): Promise<void> {
  await using workplace = await openWorkplace({ agents: "none" });
  await workplace.hintIfPaused();
  const { address } = workplace.redis;
  const redis = connectRedis(address, "producer");
  try {
    const query = { by, days, now: systemClock.now() };
    const rows = await withRedis(address, () => readUsage(redis, workplace.config.namespace, query));
    if (json) console.log(JSON.stringify(rows));
    else if (rows.length === 0)
      console.log(`no usage in the last ${days} days (namespace ${workplace.config.namespace})`);
    else console.log(usageTable(by, rows));
  } finally {
    redis.disconnect();
  }
}
