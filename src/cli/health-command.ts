import { systemClock } from "../platform/clock.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { healthText } from "./health-text.ts";
import { openWorkplace } from "./workplace.ts";

interface HealthOptions {
  readonly json?: boolean;
}

export const healthCommand: AddCommand = (program, end) => {
  program
    .command("health")
    .description("whether providers can be called: their limits and errors, pauses, today's budgets")
    .option("--json", "print JSON: times in epoch ms, amounts in micro-USD")
    .addHelpText(
      "after",
      `
A row for each limit group: calls that share a vendor's limits, by model, and by key (as #hash) where each has its own.
  ok             calls go out
  rate-limited   the vendor has said how long to wait
  paused         left alone after an error that would come again: no money, a refused key, an unknown model …
  circuit open   too many calls failed: left alone for a while
  probing        one call tries whether it works again
  recovering     it does: calls are let through in growing numbers
Calls, successes and times are of the last hour, at most 200 calls. Limits are those that the vendor told, or that its
refusals showed (~); limits of the configuration file count beside them.

  $ puppet-engine health

All workers of the namespace share what is shown. The exit code is 0, whatever it says.`,
    )
    .action(async ({ json = false }: HealthOptions) => {
      await using workplace = await openWorkplace({ agents: "none" });
      await using operator = workplace.operator();
      const now = systemClock.now();
      const health = await operator.health(now);
      const { namespace } = workplace.config;
      const lanes = await operator.lanes();
      console.log(json ? JSON.stringify(health) : healthText(health, { namespace, lanes, now }));
      end(EXIT.ok);
    });
};
