import { createHash } from "node:crypto";
import { createFake, type FakeProviderOptions } from "./fake/fake-provider.ts";
import { createGrok, GROK_BASE_URL, type GrokSettings } from "./grok/grok-provider.ts";
import type { ChatCompletionsContext } from "./openai-compatible/chat-completions.ts";
import { createHttpTransport, type HttpTransportOptions } from "./openai-compatible/http-transport.ts";
import { createOpenAi, OPENAI_BASE_URL, type OpenAiSettings } from "./openai/openai-provider.ts";
import type { Provider, ProviderId } from "./provider.ts";

/** The settings of one provider instance, with all keys in place of its one. */
type WithKeyPool<Settings extends { readonly apiKey: string }> = Omit<Settings, "apiKey"> & {
  /** In the order in which they were given, none of them twice. */
  readonly apiKeys: readonly [string, ...string[]];
};

/** What each provider is made from; one that is left out is not available. Keys are in here: never log it. */
export interface ProviderSettings {
  readonly openai?: WithKeyPool<OpenAiSettings>;
  readonly grok?: WithKeyPool<GrokSettings>;
  readonly fake?: FakeProviderOptions;
}

/** What vendors keep limits by. */
export type LimitGroupPart = "model" | "key";

interface KeyedProvider {
  /** `null`: it takes none. */
  readonly key: string | null;
  readonly provider: Provider;
}

export interface ProviderDefinition {
  readonly id: keyof ProviderSettings;
  /** Environment variables that can hold the key; the first that is set wins, the first is the documented one. */
  readonly keyVariables: readonly string[];
  /** As above, for further keys. */
  readonly keyPoolVariables: readonly string[];
  readonly modelVariable: string | null;
  readonly endpointVariable: string | null;
  readonly organizationVariable: string | null;
  readonly needsKey: boolean;
  /** For agents that name no model. */
  readonly defaultModel: string;
  readonly defaultBaseUrl: string | null;
  /** Whether there is a vendor with limits, which the first answers have to reveal where nobody has configured them. */
  readonly limited: boolean;
  /** What tells groups of calls apart that share the vendor's limits; for `RegistryOptions.limitGroups`. */
  readonly limitGroups: readonly LimitGroupPart[];
  /** An instance per key; none: the settings do not have this provider. */
  create(settings: ProviderSettings, context: ChatCompletionsContext): readonly KeyedProvider[];
}

/** The only list of providers: one folder and one entry here make a new one. */
export const PROVIDERS: readonly ProviderDefinition[] = [
  {
    id: "openai",
    keyVariables: ["OPENAI_API_KEY"],
    keyPoolVariables: ["OPENAI_API_KEYS"],
    modelVariable: "OPENAI_MODEL",
    endpointVariable: "OPENAI_BASE_URL",
    organizationVariable: "OPENAI_ORGANIZATION",
    needsKey: true,
    // The cheapest current model, meant for short, repeated work, and it takes every sampling parameter (2026-11-23).
    defaultModel: "gpt-6-luna",
    defaultBaseUrl: OPENAI_BASE_URL,
    limited: true,
    limitGroups: ["model", "key"],
    create: ({ openai }, context) =>
      (openai?.apiKeys ?? []).map((key) => ({ key, provider: createOpenAi({ ...openai, apiKey: key }, context) })),
  },
  {
    id: "grok",
    keyVariables: ["GROK_API_KEY", "XAI_API_KEY"],
    keyPoolVariables: ["GROK_API_KEYS", "XAI_API_KEYS"],
    modelVariable: "GROK_MODEL",
    endpointVariable: "GROK_API_ENDPOINT",
    organizationVariable: null,
    needsKey: true,
    // Half the price of grok-4.7, which cannot stop reasoning: a cap of 280 tokens would often leave no text at all.
    // xAI itself names it as the successor of the retired models (2026-11-23).
    defaultModel: "grok-4.3",
    defaultBaseUrl: GROK_BASE_URL,
    limited: true,
    // xAI has limits per team and model: all keys of a team share them.
    limitGroups: ["model"],
    create: ({ grok }, context) =>
      (grok?.apiKeys ?? []).map((key) => ({ key, provider: createGrok({ ...grok, apiKey: key }, context) })),
  },
  {
    id: "fake",
    keyVariables: [],
    keyPoolVariables: [],
    modelVariable: null,
    endpointVariable: null,
    organizationVariable: null,
    needsKey: false,
    defaultModel: "fake-1",
    defaultBaseUrl: null,
    limited: false,
    limitGroups: ["model", "key"],
    create: ({ fake }) => (fake === undefined ? [] : [{ key: null, provider: createFake(fake) }]),
  },
];

/** One way to call a model. */
export interface RegisteredTarget {
  /** A provider instance for this key. */
  readonly provider: Provider;
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
  /** Epoch ms; default `Date.now`. */
  readonly now?: () => number;
  readonly transport?: HttpTransportOptions;
  /** Provider → what tells its limit groups apart; default: that of the definition. `[]`: all calls are one group. */
  readonly limitGroups?: Readonly<Partial<Record<ProviderId, readonly LimitGroupPart[]>>>;
}

export function createProviders(settings: ProviderSettings, options: RegistryOptions = {}): ProviderRegistry {
  const transport = createHttpTransport(options.transport);
  const context = { transport, now: options.now ?? Date.now };
  const registered = new Map<ProviderId, RegisteredProvider>();
  for (const definition of PROVIDERS) {
    const providers = definition.create(settings, context);
    if (providers.length === 0) continue;
    const parts = options.limitGroups?.[definition.id] ?? definition.limitGroups;
    registered.set(definition.id, {
      limited: definition.limited,
      targets: memoisedTargets(definition, providers, parts),
    });
  }
  return { get: (id) => registered.get(id), close: () => transport.close() };
}

/** Jobs bring the names of models along: there is no other end to how many are remembered. */
const MOST_MODELS = 1000;

function memoisedTargets(
  { id }: ProviderDefinition,
  providers: readonly KeyedProvider[],
  parts: readonly LimitGroupPart[],
): RegisteredProvider["targets"] {
  const keyed = providers.map(({ provider, key }) => ({ provider, keyId: key === null ? null : keyIdOf(key) }));
  const byModel = new Map<string, readonly RegisteredTarget[]>();
  return (model) => {
    const known = byModel.get(model);
    if (known !== undefined) return known;
    const targets = keyed.map(({ provider, keyId }) => ({
      provider,
      keyId,
      credential: credentialOf(id, keyId),
      limitGroup: credentialOf(parts.includes("model") ? `${id}/${model}` : id, parts.includes("key") ? keyId : null),
    }));
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
