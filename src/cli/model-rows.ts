import type { Agent } from "../agents/agent.ts";
import type { ConfiguredProviders } from "../config/provider-settings.ts";
import type { CataloguedModel } from "../models/model-catalogue.ts";
import type { ModelFamily, ParameterRule } from "../models/models-file.ts";
import type { PriceEntry } from "../models/price-entry.ts";
import type { Prices } from "../models/prices.ts";
import { retirementOf } from "../models/retirement.ts";

/** What is known of one model; `null`: nobody knows. `--json` prints it as it is. */
export interface ModelRow {
  readonly provider: string;
  readonly model: string;
  readonly title: string | null;
  readonly speed: string | null;
  readonly quality: string | null;
  readonly cost: string | null;
  readonly bestFor: string | null;
  readonly contextTokens: number | null;
  readonly outputTokens: number | null;
  /** USD per million tokens. `free`: nobody sends a bill. */
  readonly price: Omit<PriceEntry, "provider" | "model" | "contextTokens"> | "free" | null;
  readonly status: "served" | "retires-soon" | "retired";
  /** UTC day. */
  readonly retiresOn: string | null;
  readonly replacement: string | null;
  /** Agents of its provider that name no model use it. */
  readonly isDefault: boolean;
  /** Ids of agents. */
  readonly usedBy: readonly string[];
  /** Parameter → what becomes of it; those that are taken as they are, are left out. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly reasoning: Pick<NonNullable<ModelFamily["reasoning"]>, "least" | "headroomTokens"> | null;
  readonly note: string | null;
  readonly judgedOn: string | null;
  readonly source: string | null;
  readonly readOn: string | null;
}

export interface RowSources {
  readonly providers: Pick<ConfiguredProviders, "catalogue" | "defaultModels"> & {
    readonly definitions: readonly { readonly id: string }[];
  };
  readonly prices: Prices;
  readonly agents: ReadonlyMap<string, Agent>;
  /** Epoch ms. */
  readonly now: number;
}

/** All models that are known, by provider, and those of which nothing is known but that somebody uses. */
export function modelRows(sources: RowSources): ModelRow[] {
  const { providers, agents } = sources;
  const used = [...agents.values()].flatMap(({ chain }) => chain);
  return providers.definitions.flatMap(({ id }) => {
    const known = [...providers.catalogue.models, ...used].filter(({ provider }) => provider === id);
    const names = new Set([...known.map(({ model }) => model), providers.defaultModels[id] ?? ""]);
    return [...names].filter(Boolean).map((model) => rowOf(id, model, sources));
  });
}

function rowOf(provider: string, model: string, sources: RowSources): ModelRow {
  const { catalogue, defaultModels } = sources.providers;
  const { parameters, reasoning } = catalogue.family(provider, model);
  return {
    ...{ provider, model },
    ...factsOf(catalogue.entry(provider, model)),
    contextTokens: sources.prices.contextTokens(provider, model),
    price: priceOf(sources.prices.ratesOf({ provider, model })),
    ...endOf({ provider, model }, sources),
    isDefault: defaultModels[provider] === model,
    usedBy: usersOf({ provider, model }, sources),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, rule]) => [name, describeRule(rule)])),
    reasoning: reasoning === null ? null : { least: reasoning.least, headroomTokens: reasoning.headroomTokens },
  };
}

const FACTS = [
  ...(["title", "speed", "quality", "cost", "bestFor", "outputTokens"] as const),
  ...(["note", "judgedOn", "source", "readOn"] as const),
] as const;

function factsOf(entry: CataloguedModel | null): Pick<ModelRow, (typeof FACTS)[number]> {
  const facts = Object.fromEntries(FACTS.map((name) => [name, entry?.[name] ?? null]));
  return facts as Pick<ModelRow, (typeof FACTS)[number]>;
}

interface ModelId {
  readonly provider: string;
  readonly model: string;
}

const STATUS = { soon: "retires-soon", over: "retired" } as const;

function endOf(
  id: ModelId,
  { providers: { catalogue }, now }: RowSources,
): Pick<ModelRow, "status" | "retiresOn" | "replacement"> {
  const entry = catalogue.entry(id.provider, id.model);
  const end = retirementOf(catalogue, id, now);
  const retiresOn = entry?.retiresOn ?? null;
  if (end === null) return { status: "served", retiresOn, replacement: entry?.replacement ?? null };
  return { status: STATUS[end.when], retiresOn, replacement: end.replacement };
}

function usersOf({ provider, model }: ModelId, { agents }: RowSources): string[] {
  const isUsed = (agent: Agent): boolean =>
    agent.chain.some((member) => member.provider === provider && member.model === model);
  return [...agents.values()].filter(isUsed).map(({ id }) => id);
}

function priceOf(rates: ReturnType<Prices["ratesOf"]>): ModelRow["price"] {
  if (rates === null || rates === "free") return rates;
  const { provider: _provider, model: _model, contextTokens: _contextTokens, ...price } = rates;
  return price;
}

function describeRule(rule: ParameterRule): string {
  if ("drop" in rule) return `dropped: ${rule.drop}`;
  const { as, min, max } = rule;
  const range = min === undefined && max === undefined ? [] : [`from ${min ?? "any"} to ${max ?? "any"}`];
  return [...(as === undefined ? [] : [`sent as ${as}`]), ...range].join(", ");
}
