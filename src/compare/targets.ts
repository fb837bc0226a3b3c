import { MODEL_NAME, MODEL_NAME_EXPECTED } from "../models/model-names.ts";
import { oneOf } from "../platform/one-of.ts";
import { InvalidInputError, showValue, type Problem } from "../platform/problem.ts";
import type { ProviderId } from "../providers/provider.ts";

/** One of the models that are compared. */
export interface Target {
  readonly provider: ProviderId;
  readonly model: string;
}

/** `openai/gpt-6-luna` */
export function targetName({ provider, model }: Target): string {
  return `${provider}/${model}`;
}

export interface TargetOptions {
  readonly knownProviders: readonly ProviderId[];
  /** The fake provider stands in for these. */
  readonly replaced: ReadonlySet<ProviderId>;
}

const SOURCE = "--models";

/**
 * @param values what `--models` was given, each a name or several with commas between; a name is split at its first `/`
 * @throws InvalidInputError naming everything that is wrong with them
 */
export function parseTargets(values: readonly string[], options: TargetOptions): readonly Target[] {
  const names = values.flatMap((value) => value.split(",")).map((name) => name.trim());
  const given = names.filter((name) => name !== "");
  if (given.length === 0) {
    throw new InvalidInputError([problem("nothing", "models to compare, such as openai/gpt-6-luna,grok/grok-4.3")]);
  }
  const problems = given.flatMap((name, index) => whatIsWrong(name, given.slice(0, index), options));
  const targets = given.map((name) => readTarget(name, options));
  if (problems.length === 0) problems.push(...clashes(targets));
  if (problems.length > 0) throw new InvalidInputError(problems);
  return targets;
}

function problem(got: string, expected: string): Problem {
  return { source: SOURCE, path: "", got, expected };
}

function whatIsWrong(name: string, earlier: readonly string[], { knownProviders }: TargetOptions): Problem[] {
  const { provider, model } = splitName(name);
  if (model === null) {
    const expected = `a provider and a model with / between, the provider ${oneOf(provider, knownProviders)}`;
    return [problem(showValue(name), expected)];
  }
  if (!knownProviders.includes(provider)) {
    return [problem(`${showValue(provider)} in ${showValue(name)}`, oneOf(provider, knownProviders))];
  }
  if (!MODEL_NAME.test(model)) return [problem(showValue(name), `behind the /, ${MODEL_NAME_EXPECTED}`)];
  return earlier.includes(name) ? [problem(`${name} twice`, "every model once")] : [];
}

function splitName(name: string): { provider: string; model: string | null } {
  const slash = name.indexOf("/");
  return slash < 0 ? { provider: name, model: null } : { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

/** The stand-in's model is named after what it stands in for, so that two of them stay apart. */
function readTarget(name: string, { replaced }: TargetOptions): Target {
  const { provider, model } = splitName(name);
  return replaced.has(provider) ? { provider: "fake", model: name } : { provider, model: model ?? "" };
}

/** `fake/openai/m` beside an `openai/m` that the fake provider stands in for. */
function clashes(targets: readonly Target[]): Problem[] {
  const names = targets.map(targetName);
  return names
    .filter((name, index) => names.indexOf(name) < index)
    .map((name) => problem(`${name} twice, once as a stand-in`, "every model once"));
}
