import type { Agent } from "../agents/agent.ts";
import { listModels } from "../providers/openai-compatible/list-models.ts";
import { ProviderError } from "../providers/provider-error.ts";
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
    const baseUrl = own.baseUrl ?? definition.defaultBaseUrl ?? "";
    try {
      const models = await listModels({ id: definition.id, baseUrl, apiKey: own.apiKey });
      return judge(definition, new Set(models), agents);
    } catch (error) {
      const text = `${definition.id} at ${baseUrl}: ${error instanceof Error ? error.message : "no answer"}`;
      return [{ level: "error", area: "providers", text, fix: fixFor(error, definition) }];
    }
  });
  return (await Promise.all(asked)).flat();
}

function fixFor(error: unknown, { keyVariables, endpointVariable }: ProviderDefinition): string {
  const kind = error instanceof ProviderError ? error.kind : null;
  if (kind === "authentication") return `correct ${keyVariables.join(" or ")}`;
  if (kind === "network") return `look at the network, and at ${endpointVariable}`;
  return `check ${keyVariables.join(" or ")} and ${endpointVariable}`;
}

function judge(
  { id, endpointVariable }: ProviderDefinition,
  models: ReadonlySet<string>,
  agents: ReadonlyMap<string, Agent>,
): Finding[] {
  if (models.size === 0) {
    const text = `${id} answers, but with no list of models: those of the agents could not be checked`;
    return [{ level: "warning", area: "providers", text, fix: `see whether ${endpointVariable} is the API's address` }];
  }
  const unknown = [...usersByModel(id, agents)].filter(([model]) => !models.has(model));
  return [
    { level: "ok", area: "providers", text: `${id}: answers, and knows ${models.size} model(s)` },
    ...unknown.map(([model, users]): Finding => {
      const fix = `choose another model for ${users.join(", ")}`;
      return { level: "error", area: "providers", text: `${id} does not know ${model}`, fix };
    }),
  ];
}

function usersByModel(id: string, agents: ReadonlyMap<string, Agent>): Map<string, string[]> {
  const used = [...agents.values()].flatMap((agent) =>
    agent.chain.filter(({ provider }) => provider === id).map(({ model }) => ({ model, agentId: agent.id })),
  );
  const byModel = Map.groupBy(used, ({ model }) => model);
  return new Map([...byModel].map(([model, users]) => [model, [...new Set(users.map(({ agentId }) => agentId))]]));
}
