import type { Agent } from "../agents/agent.ts";
import type { ConfiguredProviders } from "../config/provider-settings.ts";
import { listModels } from "../providers/openai-compatible/list-models.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { ProviderDefinition } from "../providers/registry.ts";
import type { Finding } from "./finding.ts";

/** One key of a provider, as it is asked for the models that it may use. */
interface AskedKey {
  readonly definition: ProviderDefinition;
  readonly apiKey: string;
  readonly baseUrl: string;
  /** `openai`; `openai#1a2b3c4d` where there are several keys. */
  readonly name: string;
  /** The variable, and the place in it, that the key comes from. */
  readonly source: string;
}

/**
 * Asks every configured vendor, with every key, for its free list of models, and whether those of our agents are on it.
 */
export async function checkProviders(
  definitions: readonly ProviderDefinition[],
  providers: Pick<ConfiguredProviders, "settings" | "keyPlaces">,
  agents: ReadonlyMap<string, Agent>,
): Promise<Finding[]> {
  const asked = definitions
    .flatMap((definition) => keysOf(definition, providers))
    .map(async (key): Promise<Finding[]> => {
      try {
        return judge(key, new Set(await listModels({ ...key, id: key.definition.id })), agents);
      } catch (error) {
        return [failure(key, error)];
      }
    });
  const findings = (await Promise.all(asked)).flat();
  // What is wrong with the connection is the same for every key.
  return [...new Map(findings.map((finding) => [finding.text, finding])).values()];
}

function keysOf(
  definition: ProviderDefinition,
  { settings, keyPlaces }: Pick<ConfiguredProviders, "settings" | "keyPlaces">,
): AskedKey[] {
  const { id, defaultBaseUrl } = definition;
  const own = settings[id];
  if (own === undefined || !("apiKeys" in own)) return [];
  const { apiKeys, baseUrl = defaultBaseUrl ?? "" } = own;
  return (keyPlaces.get(id) ?? []).flatMap(({ keyId, source }, index) => {
    const apiKey = apiKeys[index];
    const name = apiKeys.length === 1 ? id : `${id}#${keyId}`;
    return apiKey === undefined ? [] : [{ definition, apiKey, baseUrl, name, source }];
  });
}

function failure({ definition, baseUrl, name, source }: AskedKey, error: unknown): Finding {
  const { id, endpointVariable } = definition;
  const kind = error instanceof ProviderError ? error.kind : null;
  const reason = error instanceof Error ? error.message : "no answer";
  const text = `${kind === "network" ? id : name} at ${baseUrl}: ${reason}`;
  return { level: "error", area: "providers", text, fix: fixFor(kind, source, endpointVariable) };
}

function fixFor(kind: ProviderError["kind"] | null, source: string, endpointVariable: string | null): string {
  if (kind === "authentication") return `correct ${source}`;
  if (kind === "network") return `look at the network, and at ${endpointVariable}`;
  return `check ${source} and ${endpointVariable}`;
}

function judge(
  { definition, name, source }: AskedKey,
  models: ReadonlySet<string>,
  agents: ReadonlyMap<string, Agent>,
): Finding[] {
  const { id, endpointVariable } = definition;
  if (models.size === 0) {
    const text = `${name} answers, but with no list of models: those of the agents could not be checked`;
    return [{ level: "warning", area: "providers", text, fix: `see whether ${endpointVariable} is the API's address` }];
  }
  const unknown = [...usersByModel(id, agents)].filter(([model]) => !models.has(model));
  return [
    { level: "ok", area: "providers", text: `${name}: answers, and knows ${models.size} model(s)` },
    ...unknown.map(([model, users]): Finding => {
      const alternative = name === id ? "" : `, or remove ${source}`;
      const fix = `choose another model for ${users.join(", ")}${alternative}`;
      return { level: "error", area: "providers", text: `${name} does not know ${model}`, fix };
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
