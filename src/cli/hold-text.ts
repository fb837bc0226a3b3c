import type { Hold } from "../compare/holds.ts";
import { targetName, type Target } from "../compare/targets.ts";
import { pauseWords } from "../storage/pause-words.ts";
import { roundedDuration } from "../platform/numbers.ts";

/** @param now epoch ms */
export function holdText(target: Target, hold: Hold, now: number): string {
  const end = hold.needsPerson ? "; its other texts are cancelled" : "";
  return `${targetName(target)} has to wait: ${hold.what} ${stateWords(hold, now)}${end}`;
}

function stateWords({ state, why, untilAt }: Hold, now: number): string {
  switch (state) {
    case "paused":
      return `is paused: ${pauseWords(why ?? "", untilAt - now)}`;
    case "circuit-open":
      return `is left alone after many failures; workers look again in ${roundedDuration(untilAt - now)}`;
    case "rate-limited":
      return `is rate-limited by the vendor for ${roundedDuration(untilAt - now)}`;
    default:
      return state satisfies never;
  }
}
