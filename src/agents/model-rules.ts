import { retirementOf, refusalOfRetired } from "../models/retirement.ts";
import { describeValue, type FieldFault } from "../platform/field-fault.ts";
import type { ProviderId } from "../providers/provider.ts";
import { MOST_TOKENS, RANGES } from "./agent-schema.ts";
import { linksOf, modelOf, type Link } from "./chain-links.ts";
import type { CompileOptions } from "./compile-agent.ts";

interface ModelLink extends Link {
  readonly provider: ProviderId;
  readonly model: string;
}

/**
 * What the models of the chain do not take, and models that are not served any more where those are refused. Takes an
 * unchecked file, so that every fault is found in one go. What a model does not take at all is no fault: it is left out
 * of the call, and the result says so.
 */
export function findModelFaults(file: unknown, options: CompileOptions): FieldFault[] {
  return linksOf(file).flatMap((link) => {
    const id = modelOf(link, options);
    if (id === undefined) return [];
    const named = { ...link, ...id };
    return [...findRetired(named, options), ...findOutOfRange(named, options), ...findTooManyTokens(named, options)];
  });
}

function findRetired(
  { provider, model, config, path }: ModelLink,
  { catalogue, retiredModels, now }: CompileOptions,
): FieldFault[] {
  if (retiredModels !== "refuse") return [];
  const end = retirementOf(catalogue, { provider, model }, now);
  if (end?.when !== "over") return [];
  const from = config["model"] === undefined ? `, the default of ${provider}` : "";
  return [{ path: [...path, "model"], ...refusalOfRetired(model, end, from) }];
}

const RANGED = Object.keys(RANGES) as (keyof typeof RANGES)[];

function findOutOfRange({ provider, model, config, path }: ModelLink, { catalogue }: CompileOptions): FieldFault[] {
  const { parameters } = catalogue.family(provider, model);
  return RANGED.flatMap((name): FieldFault[] => {
    const rule = parameters[name] ?? {};
    const value = config[name];
    if (value === undefined || "drop" in rule || (rule.min === undefined && rule.max === undefined)) return [];
    const [least, most] = RANGES[name];
    const min = Math.max(least, rule.min ?? least);
    const max = Math.min(most, rule.max ?? most);
    if (typeof value === "number" && value >= min && value <= max) return [];
    const expected = `a number from ${min} to ${max} (${provider})`;
    return [{ path: [...path, name], got: describeValue(value), expected }];
  });
}

function findTooManyTokens({ provider, model, config, path }: ModelLink, { catalogue }: CompileOptions): FieldFault[] {
  const rule = catalogue.family(provider, model).parameters.max_tokens ?? {};
  const outputTokens = catalogue.entry(provider, model)?.outputTokens ?? MOST_TOKENS;
  const most = Math.min(outputTokens, "drop" in rule ? MOST_TOKENS : (rule.max ?? MOST_TOKENS));
  const value = config["max_tokens"];
  if (value === undefined || most >= MOST_TOKENS) return [];
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return [];
  const expected = `an integer from 1 to ${most}, the limit of ${model}`;
  return [{ path: [...path, "max_tokens"], got: describeValue(value), expected }];
}
