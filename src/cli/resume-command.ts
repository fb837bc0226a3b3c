import { systemClock } from "../platform/clock.ts";
import type { Lane } from "../queue/lane.ts";
import type { OperatorPause, PauseTarget } from "../queue/operator-pauses.ts";
import type { AddCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { parsePauseTarget, showPause, showTarget } from "./pause-target.ts";
import { openWorkplace } from "./workplace.ts";

export const resumeCommand: AddCommand = (program, end) => {
  program
    .command("resume <target>")
    .description("end a pause: workers go on at once")
    .addHelpText(
      "after",
      `
The target is all, a provider or a lane, as for pause; health shows what is paused. "resume all" ends every pause, those
of single providers and lanes as well.

  $ puppet-engine resume openai
  $ puppet-engine resume all

It ends what "puppet-engine pause" began. A queue that was paused in Bull Board goes on there, and a provider that
workers leave alone by themselves after errors goes on by itself.`,
    )
    .action(async (word: string) => {
      await using workplace = await openWorkplace({ agents: "none" });
      await using operator = workplace.operator();
      const lanes = await operator.lanes();
      const target = parsePauseTarget(word, lanes, workplace.config.providers.definitions);
      const before = await operator.pauses();
      const changed = await operator.resume(target);
      console.log(describeResume(target, lanes, changed ? before : []).join("\n"));
      for (const pause of await operator.pauses()) console.log(`still: ${showPause(pause, lanes, systemClock.now())}`);
      end(EXIT.ok);
    });
};

/** @param before what was paused; empty: the target was not */
function describeResume(target: PauseTarget, lanes: readonly Lane[], before: readonly OperatorPause[]): string[] {
  const name = showTarget(target, lanes);
  if (before.length === 0) return [target.what === "all" ? "nothing was paused" : `${name} was not paused`];
  const ended = target.what === "all" ? before.map((pause) => showTarget(pause, lanes)) : [name];
  return ended.map((what) => `the pause of ${what} is over`);
}
