import { createHash } from "node:crypto";
import { createCatalogue, type ModelCatalogue } from "../models/model-catalogue.ts";
import { keepSecret } from "../platform/secrets.ts";
import * as ALL from "./all-providers.ts";
import type { BatchApi } from "./batch.ts";
import type { LimitGroupPart, ProviderConnection, ProviderDefinition } from "./definition.ts";
import { createHttpTransport, type HttpTransportOptions } from "./http/http-transport.ts";
import type { Provider, ProviderId } from "./provider.ts";

export type { LimitGroupPart, ProviderDefinition } from "./definition.ts";

/** Those that are shipped; the configuration can define more. */
export const PROVIDERS: readonly ProviderDefinition[] = Object.values(ALL);

/** What a provider is made from: its connection, with all keys in place of its one. */
export interface ProviderSetting extends Partial<Omit<ProviderConnection, "apiKey">> {
  /** In the order in which they were given, none of them twice. Default: none. */
  readonly apiKeys?: readonly string[];
}

/** One that is left out is not available. Keys are in here: never log it. */
export type ProviderSettings = Readonly<Partial<Record<ProviderId, ProviderSetting>>>;

/** One way to call a model. */
export interface RegisteredTarget {
  /** A provider instance for this key. */
  readonly provider: Provider;
  /** `null`: it has no batch API. */
  readonly batch: BatchApi | null;
  /** Eight hex digits of the key's hash; `null`: no key. */
  readonly keyId: string | null;
  /** The key for every model, e.g. `openai#1a2b3c4d`; `fake` where there is no key. */
  readonly credential: string;
  /** Calls of one group share the vendor's limits, e.g. `openai/gpt-6-luna#1a2b3c4d`. */
  readonly limitGroup: string;
}

export interface RegisteredProvider {
  /** False: there is no vendor and so no limit to find out. */
  readonly limited: boolean;
  /** Ways to call a model: one per key. Memoised per model: it is on the hot path. Never empty. */
  targets(model: string): readonly RegisteredTarget[];
}

export interface ProviderRegistry {
  /** `undefined`: unknown, or not in the settings. */
  get(id: ProviderId): RegisteredProvider | undefined;
  /** Waits for calls in flight, then closes their connections. */
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** Default: those that are shipped. */
  readonly definitions?: readonly ProviderDefinition[];
  /** Default: what is shipped with the definitions. */
  readonly catalogue?: Pick<ModelCatalogue, "family">;
  /** Epoch ms; default `Date.now`. */
  readonly now?: () => number;
  readonly transport?: HttpTransportOptions;
  /** Provider → what tells its limit groups apart; default: that of the definition. `[]`: all calls are one group. */
  readonly limitGroups?: Readonly<Partial<Record<ProviderId, readonly LimitGroupPart[] | undefined>>>;
}

export function createProviders(settings: ProviderSettings, options: RegistryOptions = {}): ProviderRegistry {
  const { definitions = PROVIDERS, catalogue = createCatalogue(definitions), now = Date.now } = options;
  const transport = createHttpTransport(options.transport);
  const context = { transport, now, catalogue };
  const registered = new Map<ProviderId, RegisteredProvider>();
  for (const definition of definitions) {
    const keyed = connectionsOf(definition, settings[definition.id]).map((connection) => ({
      key: connection.apiKey,
      provider: definition.create(connection, context),
      batch: definition.batch?.(connection, context) ?? null,
    }));
    if (keyed.length === 0) continue;
    const parts = options.limitGroups?.[definition.id] ?? definition.limitGroups;
    registered.set(definition.id, {
      limited: definition.limited,
      targets: memoisedTargets(definition, keyed, parts),
    });
  }
  return { get: (id) => registered.get(id), close: () => transport.close() };
}

/** One for each key; one without a key, where none is needed. None: it cannot be called. */
export function connectionsOf(
  { defaultBaseUrl, needsKey }: ProviderDefinition,
  setting: ProviderSetting | undefined,
): readonly ProviderConnection[] {
  if (setting === undefined) return [];
  keepSecret(...(setting.apiKeys ?? []));
  const { apiKeys = [], baseUrl = defaultBaseUrl ?? "", ...rest } = setting;
  const keys = apiKeys.length > 0 || needsKey ? apiKeys : [null];
  return keys.map((apiKey) => ({ ...rest, apiKey, baseUrl }));
}

interface KeyedProvider {
  /** `null`: it takes none. */
  readonly key: string | null;
  readonly provider: Provider;
  readonly batch: BatchApi | null;
}

/** Models come with jobs, and a wrong name is called along: there is no other end to how many are remembered. */
const MOST_MODELS = 1000;

function memoisedTargets(
  { id }: ProviderDefinition,
  providers: readonly KeyedProvider[],
  parts: readonly LimitGroupPart[],
): RegisteredProvider["targets"] {
  const keyed = providers.map(({ key, ...own }) => ({ ...own, keyId: key === null ? null : keyIdOf(key) }));
  const byModel = new Map<string, readonly RegisteredTarget[]>();
  return (model) => {
    const known = byModel.get(model);
    if (known !== undefined) return known;
    const targets = keyed.map(({ provider, batch, keyId }) => {
      provider.prepare?.();
      return {
        provider,
        batch,
        keyId,
        credential: credentialOf(id, keyId),
        limitGroup: credentialOf(parts.includes("model") ? `${id}/${model}` : id, parts.includes("key") ? keyId : null),
      };
    });
    if (byModel.size >= MOST_MODELS) byModel.clear();
    byModel.set(model, targets);
    return targets;
  };
}

/** Eight hex digits tell keys apart and give nothing of them away. */
export function keyIdOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}

function credentialOf(owner: string, keyId: string | null): string {
  return keyId === null ? owner : `${owner}#${keyId}`;
}
