import type { Agent } from "../agents/agent.ts";
import type { ConfiguredProviders } from "../config/provider-settings.ts";
import { withoutFolder } from "../models/model-names.ts";
import { retirement } from "../models/retirement.ts";
import { listModels, type ListedModel, type ModelList } from "../providers/http/list-models.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { connectionsOf, type ProviderDefinition } from "../providers/registry.ts";
import type { Finding } from "./finding.ts";

/** One key of a provider, as it is asked for the models that it may use. */
interface AskedKey {
  readonly definition: ProviderDefinition;
  readonly baseUrl: string;
  readonly list: ModelList;
  /** `openai`; `openai#1a2b3c4d` where there are several keys. */
  readonly name: string;
  /** The variable, and the place in it, that the key comes from; `null`: there is no key. */
  readonly source: string | null;
}

type Configured = Pick<ConfiguredProviders, "definitions" | "settings" | "keyPlaces" | "trustedHosts">;

/**
 * Asks every configured vendor, with every key, for its free list of models, and whether those of our agents are on it.
 * A server that needs no key is asked only when an agent uses it.
 * @param now epoch ms
 */
export async function checkProviders(
  providers: Configured,
  agents: ReadonlyMap<string, Agent>,
  now: number,
): Promise<Finding[]> {
  const used = new Set([...agents.values()].flatMap(({ chain }) => chain.map(({ provider }) => provider)));
  const asked = providers.definitions
    .filter(({ id, needsKey }) => needsKey || used.has(id))
    .flatMap((definition) => keysOf(definition, providers))
    .map(async (key): Promise<Finding[]> => {
      try {
        const models = await listModels(key.definition.id, key.list);
        return judge(key, new Map(models.map((listed) => [listed.model, listed])), { agents, now });
      } catch (error) {
        return [failure(key, error)];
      }
    });
  const findings = (await Promise.all(asked)).flat();
  // What is wrong with the connection is the same for every key.
  return [...new Map(findings.map((finding) => [finding.text, finding])).values()];
}

function keysOf(definition: ProviderDefinition, { settings, keyPlaces, trustedHosts }: Configured): AskedKey[] {
  const { id, modelList } = definition;
  if (modelList === null) return [];
  const connections = connectionsOf(definition, settings[id]);
  return connections.map((connection, index): AskedKey => {
    const { baseUrl } = connection;
    const place = keyPlaces.get(id)?.[index];
    const name = connections.length === 1 || place === undefined ? id : `${id}#${place.keyId}`;
    const list = { ...modelList(connection), trustedHosts };
    return { definition, baseUrl, list, name, source: place?.source ?? null };
  });
}

function failure({ definition, baseUrl, name, source }: AskedKey, error: unknown): Finding {
  const { id } = definition;
  const kind = error instanceof ProviderError ? error.kind : null;
  const reason = error instanceof Error ? error.message : "no answer";
  const text = `${kind === "network" ? id : name} at ${baseUrl}: ${reason}`;
  return { level: "error", area: "providers", text, fix: fixFor(kind, source, endpointOf(definition)) };
}

/** Where people say what its address is. */
function endpointOf({ id, endpointVariable }: ProviderDefinition): string {
  return endpointVariable ?? `endpoints.${id}.baseUrl of the configuration file`;
}

function fixFor(kind: ProviderError["kind"] | null, source: string | null, endpoint: string): string {
  if (kind === "authentication" && source !== null) return `correct ${source}`;
  if (kind === "refused-address") return `correct ${endpoint}, or do as this says`;
  if (source === null) return `see whether that server runs, and whether ${endpoint} is its address`;
  return kind === "network" ? `look at the network, and at ${endpoint}` : `check ${source} and ${endpoint}`;
}

interface Judged {
  readonly agents: ReadonlyMap<string, Agent>;
  readonly now: number;
}

function judge(
  { definition, name, source }: AskedKey,
  models: ReadonlyMap<string, ListedModel>,
  { agents, now }: Judged,
): Finding[] {
  const { id } = definition;
  if (models.size === 0) {
    const text = `${name} answers, but with no list of models: those of the agents could not be checked`;
    const fix = `see whether ${endpointOf(definition)} is the API's address`;
    return [{ level: "warning", area: "providers", text, fix }];
  }
  const used = [...usersByModel(id, agents)];
  const unknown = used.filter(([model]) => !models.has(model) && !models.has(withoutFolder(model)));
  return [
    { level: "ok", area: "providers", text: `${name}: answers, and knows ${models.size} model(s)` },
    ...unknown.map(([model, users]): Finding => {
      const alternative = name === id ? "" : `, or remove ${source}`;
      const fix = `choose another model for ${users.join(", ")}${alternative}`;
      return { level: "error", area: "providers", text: `${name} does not know ${model}`, fix };
    }),
    ...used.flatMap(([model, users]) =>
      announcedEnd(id, { listed: models.get(model) ?? models.get(withoutFolder(model)), users, now }),
    ),
  ];
}

/** What the vendor itself says of a model's end, which the catalogue may not know yet. */
function announcedEnd(id: string, told: { listed: ListedModel | undefined; users: string[]; now: number }): Finding[] {
  const { listed, users, now } = told;
  const end = listed?.retiresOn == null ? null : retirement({ retiresOn: listed.retiresOn }, now);
  if (listed === undefined || end === null) return [];
  const text = `${id} says that it shuts ${listed.model} down on ${end.retiresOn}`;
  return [{ level: "warning", area: "providers", text, fix: `choose another model for ${users.join(", ")}` }];
}

function usersByModel(id: string, agents: ReadonlyMap<string, Agent>): Map<string, string[]> {
  const used = [...agents.values()].flatMap((agent) =>
    agent.chain.filter(({ provider }) => provider === id).map(({ model }) => ({ model, agentId: agent.id })),
  );
  const byModel = Map.groupBy(used, ({ model }) => model);
  return new Map([...byModel].map(([model, users]) => [model, [...new Set(users.map(({ agentId }) => agentId))]]));
}
