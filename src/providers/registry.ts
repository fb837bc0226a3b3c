import { createHash } from "node:crypto";
import { createFake, type FakeProviderOptions } from "./fake/fake-provider.ts";
import { createGrok, GROK_BASE_URL, type GrokSettings } from "./grok/grok-provider.ts";
import type { ChatCompletionsContext } from "./openai-compatible/chat-completions.ts";
import { createHttpTransport, type HttpTransportOptions } from "./openai-compatible/http-transport.ts";
import { createOpenAi, OPENAI_BASE_URL, type OpenAiSettings } from "./openai/openai-provider.ts";
import type { Provider, ProviderId } from "./provider.ts";

/** What each provider is made from; one that is left out is not available. Keys are in here: never log it. */
export interface ProviderSettings {
  readonly openai?: OpenAiSettings;
  readonly grok?: GrokSettings;
  readonly fake?: FakeProviderOptions;
}

export interface ProviderDefinition {
  readonly id: keyof ProviderSettings;
  /** Environment variables that can hold the key; the first that is set wins, the first is the documented one. */
  readonly keyVariables: readonly string[];
  readonly modelVariable: string | null;
  readonly endpointVariable: string | null;
  readonly organizationVariable: string | null;
  readonly needsKey: boolean;
  /** For agents that name no model. */
  readonly defaultModel: string;
  readonly defaultBaseUrl: string | null;
  /** `null`: the settings do not have this provider. */
  create(settings: ProviderSettings, context: ChatCompletionsContext): Provider | null;
  /** What the limit group is told apart by; `null`: there is no key. */
  key(settings: ProviderSettings): string | null;
}

/** The only list of providers: one folder and one entry here make a new one. */
export const PROVIDERS: readonly ProviderDefinition[] = [
  {
    id: "openai",
    keyVariables: ["OPENAI_API_KEY"],
    modelVariable: "OPENAI_MODEL",
    endpointVariable: "OPENAI_BASE_URL",
    organizationVariable: "OPENAI_ORGANIZATION",
    needsKey: true,
    // The cheapest current model, meant for short, repeated work, and it takes every sampling parameter (2026-11-23).
    defaultModel: "gpt-6-luna",
    defaultBaseUrl: OPENAI_BASE_URL,
    create: ({ openai }, context) => (openai === undefined ? null : createOpenAi(openai, context)),
    key: ({ openai }) => openai?.apiKey ?? null,
  },
  {
    id: "grok",
    keyVariables: ["GROK_API_KEY", "XAI_API_KEY"],
    modelVariable: "GROK_MODEL",
    endpointVariable: "GROK_API_ENDPOINT",
    organizationVariable: null,
    needsKey: true,
    // Half the price of grok-4.7, which cannot stop reasoning: a cap of 280 tokens would often leave no text at all.
    // xAI itself names it as the successor of the retired models (2026-11-23).
    defaultModel: "grok-4.3",
    defaultBaseUrl: GROK_BASE_URL,
    create: ({ grok }, context) => (grok === undefined ? null : createGrok(grok, context)),
    key: ({ grok }) => grok?.apiKey ?? null,
  },
  {
    id: "fake",
    keyVariables: [],
    modelVariable: null,
    endpointVariable: null,
    organizationVariable: null,
    needsKey: false,
    defaultModel: "fake-1",
    defaultBaseUrl: null,
    create: ({ fake }) => (fake === undefined ? null : createFake(fake)),
    key: () => null,
  },
];

export interface RegisteredProvider {
  readonly provider: Provider;
  /** Calls of one group share the vendor's limits: `openai/gpt-6-luna#1a2b3c4d`, the end being a hash of the key. */
  limitGroup(model: string): string;
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
}

export function createProviders(settings: ProviderSettings, options: RegistryOptions = {}): ProviderRegistry {
  const transport = createHttpTransport(options.transport);
  const context = { transport, now: options.now ?? Date.now };
  const registered = new Map<ProviderId, RegisteredProvider>();
  for (const definition of PROVIDERS) {
    const provider = definition.create(settings, context);
    if (provider === null) continue;
    const suffix = keySuffix(definition.key(settings));
    registered.set(definition.id, { provider, limitGroup: (model) => `${definition.id}/${model}${suffix}` });
  }
  return { get: (id) => registered.get(id), close: () => transport.close() };
}

/** Eight hex digits tell keys apart and give nothing of them away. */
function keySuffix(key: string | null): string {
  return key === null ? "" : `#${createHash("sha256").update(key).digest("hex").slice(0, 8)}`;
}
