import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { HttpContext } from "./http/http-provider.ts";
import type { ModelList } from "./http/list-models.ts";
import type { BatchApi } from "./batch.ts";
import type { Provider, ProviderId } from "./provider.ts";

/** What vendors keep limits by. */
export type LimitGroupPart = "model" | "key";

/** What one provider instance is made from. A key is in here: never log it. */
export interface ProviderConnection {
  /** `null`: none. */
  readonly apiKey: string | null;
  /** Already through `normalizeEndpoint`; empty for a provider without a network. */
  readonly baseUrl: string;
  /** For keys that belong to several organizations. */
  readonly organization?: string;
  /** What only this provider understands. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface ProviderContext extends HttpContext {
  readonly catalogue: Pick<ModelCatalogue, "family">;
}

/** Everything that the rest of the program knows of a provider. */
export interface ProviderDefinition {
  readonly id: ProviderId;
  /** As people write it. */
  readonly title: string;
  /** Environment variables that can hold the key; the first that is set wins, the first is the documented one. */
  readonly keyVariables: readonly string[];
  /** As above, for further keys. */
  readonly keyPoolVariables: readonly string[];
  readonly modelVariable: string | null;
  readonly endpointVariable: string | null;
  readonly organizationVariable: string | null;
  /** False: it is called without a key as well. */
  readonly needsKey: boolean;
  /** For agents that name no model. */
  readonly defaultModel: string;
  readonly defaultBaseUrl: string | null;
  /** The path of its calls, which people may write at the end of an endpoint; it is taken off. */
  readonly callPath: string;
  /** Whether there is a vendor with limits, which the first answers have to reveal where nobody has configured them. */
  readonly limited: boolean;
  /** What tells groups of calls apart that share the vendor's limits; for `RegistryOptions.limitGroups`. */
  readonly limitGroups: readonly LimitGroupPart[];
  /** Nobody sends a bill for its calls. */
  readonly isFree: boolean;
  /** Its part of the catalogue, as data of the form `modelsFileSchema`. */
  readonly models: unknown;
  /** Where its free list of models is; `null`: it has none. */
  readonly modelList: ((connection: ProviderConnection) => ModelList) | null;
  /** Its batch API; `null`: it has none. Does no I/O. */
  readonly batch: ((connection: ProviderConnection, context: ProviderContext) => BatchApi) | null;
  /** Does no I/O and loads no package. */
  create(connection: ProviderConnection, context: ProviderContext): Provider;
}
