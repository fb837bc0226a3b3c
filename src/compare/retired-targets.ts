import type { ModelCatalogue } from "../models/model-catalogue.ts";
import {
  refusalOfRetired,
  retirementOf,
  whenRetired,
  type RetiredModels,
  type Retirement,
} from "../models/retirement.ts";
import { InvalidInputError, type Problem } from "../platform/problem.ts";
import { targetName, type Target } from "./targets.ts";

export interface RetirementRules {
  readonly catalogue: Pick<ModelCatalogue, "entry">;
  readonly retiredModels: RetiredModels;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * Targets that are retired, or soon, a line each. Under `substitute` they are called all the same: who compares two
 * models must not get two columns of one.
 * @throws InvalidInputError where the policy is to refuse those whose days are over
 */
export function checkRetired(
  targets: readonly Target[],
  { catalogue, retiredModels, now }: RetirementRules,
): readonly string[] {
  const uses = targets.flatMap((target) => {
    const retirement = retirementOf(catalogue, target, now);
    return retirement === null ? [] : [{ name: targetName(target), retirement: withWholeName(target, retirement) }];
  });
  const refused = uses.filter(({ retirement }) => retiredModels === "refuse" && retirement.when === "over");
  if (refused.length > 0)
    throw new InvalidInputError(
      refused.map(({ name, retirement }): Problem => ({
        source: "--models",
        path: "",
        ...refusalOfRetired(name, retirement),
      })),
    );
  return uses.map(({ name, retirement }) => noteOf(name, retirement, retiredModels));
}

/** Of the replacement, as `--models` takes it. */
function withWholeName({ provider }: Target, { replacement, ...end }: Retirement): Retirement {
  return { ...end, replacement: replacement === null ? null : targetName({ provider, model: replacement }) };
}

function noteOf(name: string, retirement: Retirement, retiredModels: RetiredModels): string {
  const { when, replacement } = retirement;
  const remedy = replacement === null ? "no replacement is known" : `use ${replacement}`;
  const why =
    retiredModels === "substitute" && when === "over" && replacement !== null
      ? " (it is called all the same: a comparison substitutes nothing)"
      : "";
  return `${name} ${whenRetired(retirement)}; ${remedy}${why}`;
}
