import type { Agent } from "../agents/agent.ts";
import { listModels } from "../providers/openai-compatible/list-models.ts";
import type { ProviderDefinition, ProviderSettings } from "../providers/registry.ts";
import type { Finding } from "./finding.ts";

/** Asks every configured vendor for its free list of models, and whether those of our agents are on it. */
export async function checkProviders(
  definitions: readonly ProviderDefinition[],
  settings: ProviderSettings,
  agents: ReadonlyMap<string, Agent>,
): Promise<Finding[]> {
  const asked = definitions.map(async (definition): Promise<Finding[]> => {
    const own = settings[definition.id] as { apiKey?: string; baseUrl?: string } | undefined;
    if (own?.apiKey === undefined) return [];
    const vendor = { id: definition.id, baseUrl: own.baseUrl ?? definition.defaultBaseUrl ?? "", apiKey: own.apiKey };
    try {
      return judge(definition, new Set(await listModels(vendor)), agents);
    } catch (error) {
      const text = `${definition.id} at ${vendor.baseUrl}: ${error instanceof Error ? error.message : "no answer"}`;
      return [
        {
          level: "error",
          area: "providers",
          text,
          fix: `check ${definition.keyVariables[0]} and ${definition.endpointVariable}`,
        },
      ];
    }
  });
  return (await Promise.all(asked)).flat();
}

function judge({ id }: ProviderDefinition, models: ReadonlySet<string>, agents: ReadonlyMap<string, Agent>): Finding[] {
  const findings: Finding[] = [
    { level: "ok", area: "providers", text: `${id}: answers, and knows ${models.size} models` },
  ];
  const used = new Map<string, string[]>();
  for (const agent of agents.values()) {
    for (const { provider, model } of agent.chain)
      if (provider === id) used.set(model, [...(used.get(model) ?? []), agent.id]);
  }
  for (const [model, users] of used) {
    if (models.size === 0 || models.has(model)) continue;
    findings.push({
      level: "error",
      area: "providers",
      text: `${id} does not know ${model}`,
      fix: `choose another model for ${users.join(", ")}`,
    });
  }
  return findings;
}
