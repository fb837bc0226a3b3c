import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { ProviderDefinition } from "../providers/registry.ts";
import type { Lane } from "../queue/lane.ts";
import type { OperatorPause, PauseTarget } from "../queue/operator-pauses.ts";
import { showSince } from "./times.ts";

/**
 * `all`, the id of a provider, or a lane by the name of its queue or by its chain.
 * @throws InvalidInputError with everything that it could be
 */
export function parsePauseTarget(
  word: string,
  lanes: readonly Lane[],
  definitions: readonly Pick<ProviderDefinition, "id">[],
): PauseTarget {
  if (word === "all") return { what: "all" };
  const providers = definitions.map(({ id }) => id);
  const provider = providers.find((id) => id === word);
  if (provider !== undefined) return { what: "provider", name: provider };
  const chain = word.split(/\s*>\s*/).join(" > ");
  const lane = lanes.find((candidate) => candidate.name === word || candidate.chain === chain);
  if (lane !== undefined) return { what: "lane", name: lane.name };
  const names = ["all", ...providers, ...lanes.map((known) => known.chain)];
  throw new InvalidInputError([{ source: "target", path: "", got: showValue(word), expected: oneOf(word, names) }]);
}

/** `everything`, `provider openai` or `lane openai/gpt-6-luna > grok/grok-4.3`. */
export function showTarget(target: PauseTarget, lanes: readonly Lane[]): string {
  switch (target.what) {
    case "all":
      return "everything";
    case "provider":
      return `provider ${target.name}`;
    case "lane":
      return `lane ${chainOf(target.name, lanes)}`;
    default:
      return target satisfies never;
  }
}

/** The command line that ends a pause. */
export function resumeCommandOf(target: PauseTarget, lanes: readonly Lane[]): string {
  const word = target.what === "all" ? "all" : target.what === "lane" ? chainOf(target.name, lanes) : target.name;
  return `puppet-engine resume ${word.includes(">") ? `"${word}"` : word}`;
}

/** `provider openai is paused by an operator since … (5 min ago): puppet-engine resume openai` */
export function showPause(pause: OperatorPause, lanes: readonly Lane[], now: number): string {
  const since = showSince(pause.sinceAt, now);
  return `${showTarget(pause, lanes)} is paused by an operator since ${since}: ${resumeCommandOf(pause, lanes)}`;
}

function chainOf(name: string, lanes: readonly Lane[]): string {
  return lanes.find((lane) => lane.name === name)?.chain ?? name;
}
