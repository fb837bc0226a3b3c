import type { Command } from "commander";
import { expectedAgent } from "../agents/load-agents.ts";
import { systemClock } from "../platform/clock.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { positiveInteger } from "./options.ts";
import { changesTable, scheduleTable } from "./schedule-tables.ts";
import { openWorkplace } from "./workplace.ts";

export const scheduleCommand: AddCommand = (program, end) => {
  const schedule = program
    .command("schedule")
    .description("agents that post by themselves: store their schedules, list or remove them")
    .addHelpText(
      "after",
      `
An agent's file says when it posts ("schedule", or "behavior.post_frequency") and about what; sync stores that in Redis,
and from then on every worker looks after it. After a change of the files: sync again.

  $ puppet-engine schedule sync --dry-run
  $ puppet-engine schedule sync
  $ puppet-engine schedule list --next 3`,
    );
  addSync(schedule, end);
  addList(schedule, end);
  addRemove(schedule, end);
};

type End = Parameters<AddCommand>[1];

function addSync(schedule: Command, end: End): void {
  schedule
    .command("sync")
    .description("make the stored schedules those of the agents' files: adds, changes, removes")
    .option("--dry-run", "only show what would change")
    .option("--fake", "providers without a key are replaced by the fake one")
    .option("--json", "print JSON: a list of agents with what has changed")
    .action(async ({ dryRun = false, fake = false, json = false }: SyncOptions) => {
      await using workplace = await openWorkplace({ agents: "own", fake });
      if (workplace.config.usesExampleAgents) throw noAgents(workplace.config.agentsDirectory);
      await using producer = workplace.producer();
      const changes = await producer.schedules.sync({ dryRun });
      if (json) console.log(JSON.stringify(changes.map(({ agentId, change }) => ({ agent: agentId, change }))));
      else console.log(changesTable(changes, systemClock.now()));
      if (dryRun) console.error("note: nothing was changed (--dry-run)");
      end(EXIT.ok);
    });
}

interface SyncOptions {
  readonly dryRun?: boolean;
  readonly fake?: boolean;
  readonly json?: boolean;
}

/** In a wrong folder all schedules would be removed. */
function noAgents(examples: string): InvalidInputError {
  const got = `no folder agents here, and no AGENTS_DIR (the examples are in ${examples})`;
  return new InvalidInputError([
    { source: "environment", path: "AGENTS_DIR", got, expected: "a folder of your agents" },
  ]);
}

function addList(schedule: Command, end: End): void {
  schedule
    .command("list")
    .description("stored schedules: when each posts next, and what became of its last post")
    .option("--next <n>", "show so many times ahead", positiveInteger, 1)
    .option("--json", "print JSON: times in epoch ms")
    .action(async ({ next, json = false }: { next: number; json?: boolean }) => {
      await using workplace = await openWorkplace({ agents: "none" });
      await using producer = workplace.producer();
      const schedules = await producer.schedules.list({ next });
      console.log(json ? JSON.stringify(schedules) : scheduleTable(schedules, systemClock.now()));
      if (!json && schedules.some(({ overdueAt }) => overdueAt !== null))
        console.error(
          "note: posts are overdue: no worker looks after schedules; start one with `puppet-engine worker`",
        );
      end(EXIT.ok);
    });
}

function addRemove(schedule: Command, end: End): void {
  schedule
    .command("remove [agent]")
    .description("forget an agent's schedule, or all of them; jobs that are enqueued already stay")
    .option("--all", "all of them")
    .action(async (agent: string | undefined, { all = false }: { all?: boolean }) => {
      if ((agent === undefined) !== all) throw oneTarget(agent);
      await using workplace = await openWorkplace({ agents: "none" });
      await using producer = workplace.producer();
      const { schedules } = producer;
      const known = (await schedules.list()).map(({ agentId }) => agentId);
      if (agent !== undefined && !known.includes(agent)) throw unknownAgent(agent, known);
      for (const id of agent === undefined ? known : [agent]) {
        await schedules.remove(id);
        console.log(`${id}: its schedule is removed`);
      }
      if (known.length === 0) console.log("there is no schedule");
      end(EXIT.ok);
    });
}

function oneTarget(agent: string | undefined): InvalidInputError {
  const got = agent === undefined ? "neither an agent nor --all" : `${showValue(agent)} and --all`;
  return new InvalidInputError([{ source: "schedule remove", path: "agent", got, expected: "one of the two" }]);
}

function unknownAgent(agent: string, known: readonly string[]): InvalidInputError {
  const expected = known.length === 0 ? "nothing: there is no schedule" : expectedAgent(agent, known);
  return new InvalidInputError([{ source: "schedule remove", path: "agent", got: showValue(agent), expected }]);
}
