import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { isSpecialLane, providersOf, readLanes, type Lane } from "./lane.ts";
import { readOperatorPauses, type PauseTarget } from "./operator-pauses.ts";

interface PauseTargetOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** Those of this configuration. */
  readonly providers: readonly string[];
}

type NamedTarget = Exclude<PauseTarget, { readonly what: "all" }>;

/**
 * A lane by its name or its chain, a provider by its id.
 * @throws InvalidInputError there is none, with those that there are
 */
export async function readPauseTarget({ what, name }: NamedTarget, options: PauseTargetOptions): Promise<NamedTarget> {
  const lanes = (await readLanes(options.redis, options.namespace)).filter((lane) => !isSpecialLane(lane.name));
  if (what === "lane") {
    const lane = lanes.find((known) => known.name === name || known.chain === name);
    if (lane !== undefined) return { what, name: lane.name };
    throw unknown(
      what,
      name,
      lanes.map((known) => known.name),
    );
  }
  const known = await knownProviders(lanes, options);
  if (known.includes(name)) return { what, name };
  throw unknown(what, name, known);
}

/** Those of this configuration, those of lanes, whose workers may have another one, and what is paused already. */
async function knownProviders(lanes: readonly Lane[], options: PauseTargetOptions): Promise<string[]> {
  const pauses = await readOperatorPauses(options.redis, options.namespace);
  const called = lanes.flatMap(({ chain }) => providersOf(chain));
  const paused = pauses.flatMap((pause) => (pause.what === "provider" ? [pause.name] : []));
  return [...new Set([...options.providers, ...called, ...paused])];
}

function unknown(what: string, name: string, known: readonly string[]): InvalidInputError {
  const expected = known.length === 0 ? `nothing: there is no ${what} yet` : oneOf(name, known);
  return new InvalidInputError([{ source: "request", path: what, got: showValue(name), expected }]);
}
