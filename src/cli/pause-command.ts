import type { AffectedLanes, Operator } from "../compose-operator.ts";
import { systemClock } from "../platform/clock.ts";
import type { Lane } from "../queue/lane.ts";
import type { PauseTarget } from "../queue/operator-pauses.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { parsePauseTarget, resumeCommandOf, showTarget } from "./pause-target.ts";
import { showSince } from "./times.ts";
import { openWorkplace } from "./workplace.ts";

export const pauseCommand: AddCommand = (program, end) => {
  program
    .command("pause <target>")
    .description("make no more calls: of anybody, of one provider or for one lane, until resumed")
    .addHelpText(
      "after",
      `
The target is
  all                                       everything
  openai                                    a provider, whatever lane it is called for
  "openai/gpt-6-luna > grok/grok-4.3"       a lane, by its chain (in quotation marks) …
  "openai~gpt-6-luna>grok~grok-4.3"         … or by the name of its queue, as in Bull Board

Calls under way end, and their texts are kept; no new one begins, in no worker. Lanes that have another provider to call
go on with it, the others stand still. Jobs can be enqueued meanwhile; they wait. A pause outlives workers and restarts;
health shows it, and resume ends it.

  $ puppet-engine pause openai
  $ puppet-engine resume openai`,
    )
    .action(async (word: string) => {
      await using workplace = await openWorkplace({ agents: "none" });
      await using operator = workplace.operator();
      const lanes = await operator.lanes();
      const target = parsePauseTarget(word, lanes, workplace.config.providers.definitions);
      const headline = (await operator.pause(target))
        ? `${showTarget(target, lanes)} is paused: no call begins any more; those under way end`
        : await describeEarlierPause(target, lanes, operator);
      console.log([headline, ...laneLines(target, await operator.affectedBy(target))].join("\n"));
      console.log(`go on with: ${resumeCommandOf(target, lanes)}`);
      end(EXIT.ok);
    });
};

async function describeEarlierPause(target: PauseTarget, lanes: readonly Lane[], operator: Operator): Promise<string> {
  const words = `${showTarget(target, lanes)} was paused already`;
  const name = "name" in target ? target.name : null;
  const pause = (await operator.pauses()).find(
    (known) => known.what === target.what && ("name" in known ? known.name : null) === name,
  );
  return pause === undefined ? words : `${words}, since ${showSince(pause.sinceAt, systemClock.now())}`;
}

function laneLines(target: PauseTarget, { standing, goingOn }: AffectedLanes): string[] {
  const still = standing.map(({ chain }) => `stands still: ${chain}`);
  const others = goingOn.map(({ chain }) => `goes on with its other providers: ${chain}`);
  if (target.what === "all") return [...still, "and so will lanes that are new"];
  if (target.what === "provider" && still.length + others.length === 0) return ["no lane has asked for it so far"];
  return [...still, ...others];
}
