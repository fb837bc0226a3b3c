import type { Agent } from "../agents/agent.ts";
import type { RetiredUse } from "../agents/retire-models.ts";
import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { Prices } from "../models/prices.ts";
import { whenRetired } from "../models/retirement.ts";
import { describeUnknownPrice } from "../models/unknown-price.ts";
import type { Finding } from "./finding.ts";

export interface UsedModels {
  readonly agents: ReadonlyMap<string, Agent>;
  /** Writes for jobs that name no agent; its id is what people are told. `null`: it could not be made. */
  readonly writer: Agent | null;
  /** What was found with the agents, and with the writer. */
  readonly retired: readonly RetiredUse[];
  readonly prices: Pick<Prices, "ratesOf">;
  readonly catalogue: Pick<ModelCatalogue, "entry" | "listsModelsOf">;
}

/** Whether the models of the agents are served, for how long, and whether their prices are known. */
export function checkModels({ agents, writer, retired, prices, catalogue }: UsedModels): Finding[] {
  const users = usersByModel([...agents.values(), ...(writer === null ? [] : [writer])]);
  const usesThat = (isDoubtful: (use: Use) => boolean): Use[][] =>
    [...users.values()].filter(([first]) => first !== undefined && isDoubtful(first));
  const findings = [
    ...[...Map.groupBy(retired, nameOf).values()].flatMap(describeRetired),
    ...usesThat((use) => isUnlisted(use, catalogue)).flatMap(describeUnlisted),
    ...usesThat((use) => prices.ratesOf(use) === null).flatMap(describeUnpriced),
  ];
  if (findings.length > 0 || agents.size === 0) return findings;
  const count = usersByModel([...agents.values()]).size;
  return [{ level: "ok", area: "models", text: `${count} in use: all are served, and their prices are known` }];
}

interface Use {
  readonly agentId: string;
  readonly provider: string;
  readonly model: string;
}

function nameOf({ provider, model }: Pick<Use, "provider" | "model">): string {
  return `${provider}/${model}`;
}

function usersByModel(agents: readonly Agent[]): Map<string, Use[]> {
  const uses = agents.flatMap(({ id, chain }) =>
    chain.map(({ provider, model }): Use => ({ agentId: id, provider, model })),
  );
  return Map.groupBy(uses, nameOf);
}

function describeRetired(uses: readonly RetiredUse[]): Finding[] {
  const [first] = uses;
  if (first === undefined) return [];
  const { retirement, calledInstead } = first;
  const { replacement } = retirement;
  const users = namesOf(uses);
  const instead = calledInstead === null ? "" : `; ${calledInstead} is called instead (retiredModels: "substitute")`;
  const text = `${nameOf(first)} ${whenRetired(retirement)}${instead}`;
  const fix = `choose ${replacement ?? "another model"} for ${users}`;
  return [{ level: "warning", area: "models", text, fix }];
}

function isUnlisted({ provider, model }: Use, catalogue: UsedModels["catalogue"]): boolean {
  return catalogue.listsModelsOf(provider) && catalogue.entry(provider, model) === null;
}

function describeUnlisted(uses: readonly Use[]): Finding[] {
  const [first] = uses;
  if (first === undefined) return [];
  const text = `${nameOf(first)} is not in the catalogue: whether it is still served is not known (${namesOf(uses)})`;
  const fix = "`puppet-engine check --live` asks the vendor; what you know goes under models in the configuration file";
  return [{ level: "warning", area: "models", text, fix }];
}

function describeUnpriced(uses: readonly Use[]): Finding[] {
  const [first] = uses;
  if (first === undefined) return [];
  const { text, fix } = describeUnknownPrice(nameOf(first));
  return [{ level: "warning", area: "models", text: `${text} (${namesOf(uses)})`, fix }];
}

function namesOf(uses: readonly Pick<Use, "agentId">[]): string {
  return [...new Set(uses.map(({ agentId }) => agentId))].join(", ");
}
