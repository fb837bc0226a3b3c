import type { Agent } from "../agents/agent.ts";
import type { RetiredUse } from "../agents/retire-models.ts";
import type { Prices } from "../models/prices.ts";
import { whenRetired } from "../models/retirement.ts";
import { describeUnknownPrice } from "../models/unknown-price.ts";
import type { Finding } from "./finding.ts";

export interface UsedModels {
  readonly agents: ReadonlyMap<string, Agent>;
  /** What `loadAgents` found. */
  readonly retired: readonly RetiredUse[];
  readonly prices: Pick<Prices, "ratesOf">;
}

/** Whether the models of the agents are served, for how long, and whether their prices are known. */
export function checkModels({ agents, retired, prices }: UsedModels): Finding[] {
  const users = usersByModel(agents);
  const unpriced = [...users.values()].filter(([first]) => first !== undefined && prices.ratesOf(first) === null);
  const findings = [
    ...[...Map.groupBy(retired, nameOf).values()].flatMap(describeRetired),
    ...unpriced.flatMap(describeUnpriced),
  ];
  if (findings.length > 0 || users.size === 0) return findings;
  return [{ level: "ok", area: "models", text: `${users.size} in use: all are served, and their prices are known` }];
}

interface Use {
  readonly agentId: string;
  readonly provider: string;
  readonly model: string;
}

function nameOf({ provider, model }: Pick<Use, "provider" | "model">): string {
  return `${provider}/${model}`;
}

function usersByModel(agents: ReadonlyMap<string, Agent>): Map<string, Use[]> {
  const uses = [...agents.values()].flatMap(({ id, chain }) =>
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

function describeUnpriced(uses: readonly Use[]): Finding[] {
  const [first] = uses;
  if (first === undefined) return [];
  const { text, fix } = describeUnknownPrice(nameOf(first));
  return [{ level: "warning", area: "models", text: `${text} (${namesOf(uses)})`, fix }];
}

function namesOf(uses: readonly Pick<Use, "agentId">[]): string {
  return [...new Set(uses.map(({ agentId }) => agentId))].join(", ");
}
