import { refusalOfRetired, retirementOf } from "../models/retirement.ts";
import { systemClock } from "../platform/clock.ts";
import type { Problem } from "../platform/problem.ts";
import type { ConfigFile } from "./config-file.ts";
import type { ConfiguredProviders } from "./provider-settings.ts";

/**
 * Default models of the environment that are not served any more, where those are refused: once for the variable, and
 * not for every agent that relies on it.
 * @param now epoch ms
 */
export function findRetiredDefaults(
  { definitions, defaultModels, catalogue }: ConfiguredProviders,
  { retiredModels }: Pick<ConfigFile, "retiredModels">,
  now = systemClock.now(),
): Problem[] {
  if (retiredModels !== "refuse") return [];
  return definitions.flatMap(({ id, modelVariable, defaultModel }): Problem[] => {
    const model = defaultModels[id] ?? defaultModel;
    if (modelVariable === null || model === defaultModel) return [];
    const end = retirementOf(catalogue, { provider: id, model }, now);
    if (end?.when !== "over") return [];
    return [{ source: "environment", path: modelVariable, ...refusalOfRetired(model, end) }];
  });
}
