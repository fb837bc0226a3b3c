import type { Agent } from "../agents/agent.ts";
import type { ConfiguredProviders } from "../config/provider-settings.ts";
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
  readonly providers: Pick<ConfiguredProviders, "catalogue" | "defaultModels" | "definitions">;
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

function rowOf(provider: string, model: string, { providers, prices, agents, now }: RowSources): ModelRow {
  const { catalogue, defaultModels } = providers;
  const entry = catalogue.entry(provider, model);
  const { parameters, reasoning } = catalogue.family(provider, model);
  const end = retirementOf(catalogue, { provider, model }, now);
  const isUsed = ({ chain }: Agent): boolean =>
    chain.some((member) => member.provider === provider && member.model === model);
  return {
    ...{ provider, model },
    title: entry?.title ?? null,
    ...judgement(entry ?? {}),
    contextTokens: prices.contextTokens(provider, model),
    outputTokens: entry?.outputTokens ?? null,
    price: priceOf(prices.ratesOf({ provider, model })),
    status: end === null ? "served" : end.when === "soon" ? "retires-soon" : "retired",
    retiresOn: entry?.retiresOn ?? null,
    replacement: end === null ? (entry?.replacement ?? null) : end.replacement,
    isDefault: defaultModels[provider] === model,
    usedBy: [...agents.values()].filter(isUsed).map(({ id }) => id),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, rule]) => [name, describeRule(rule)])),
    reasoning: reasoning === null ? null : { least: reasoning.least, headroomTokens: reasoning.headroomTokens },
    note: entry?.note ?? null,
    source: entry?.source ?? null,
    readOn: entry?.readOn ?? null,
  };
}

type Judged = Partial<Record<"speed" | "quality" | "cost" | "bestFor" | "judgedOn", string | undefined>>;

function judgement({
  speed = null,
  quality = null,
  cost = null,
  bestFor = null,
  judgedOn = null,
}: {
  [Name in keyof Judged]: Judged[Name] | null;
}): Pick<ModelRow, keyof Judged> {
  return { speed, quality, cost, bestFor, judgedOn };
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
