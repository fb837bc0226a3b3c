import { describeValue } from "../platform/field-fault.ts";
import { createCatalogue, type ModelCatalogue } from "../models/model-catalogue.ts";
import { MODEL_NAME, MODEL_NAME_EXPECTED } from "../models/model-names.ts";
import {
  PROVIDERS,
  keyIdOf,
  type ProviderDefinition,
  type ProviderSetting,
  type ProviderSettings,
} from "../providers/registry.ts";
import { isOwnHost, normalizeEndpoint } from "../providers/http/normalize-endpoint.ts";
import type { ConfigFile } from "./config-file.ts";
import type { EnvironmentReader } from "./environment.ts";
import { endpointDefinitions, isTrusted } from "./endpoint-definitions.ts";
import { faultOfSecret, readKeys, type Findings } from "./provider-keys.ts";

/** What the configuration says about providers. */
export interface ConfiguredProviders {
  /** Those that are shipped, and the endpoints of the configuration file. */
  readonly definitions: readonly ProviderDefinition[];
  readonly catalogue: ModelCatalogue;
  /** For `createProviders`: only those that can be called. */
  readonly settings: ProviderSettings;
  /** Provider → the model of agents that name none. */
  readonly defaultModels: Readonly<Record<string, string>>;
  /** Provider → its keys as messages name them, in the order of the settings. */
  readonly keyPlaces: ReadonlyMap<string, readonly KeyPlace[]>;
  /** Providers that need a key and have none → the variables that would give it one, for a single key first. */
  readonly missingKeys: ReadonlyMap<string, readonly string[]>;
  /** Hosts that may have an address of our own network. */
  readonly trustedHosts: readonly string[];
}

export interface KeyPlace {
  /** As in limit groups and usage rows. */
  readonly keyId: string;
  /** `OPENAI_API_KEY`, or `OPENAI_API_KEYS, key 2`. */
  readonly source: string;
}

export function readProviderSettings(
  read: EnvironmentReader,
  file: ConfigFile,
  findings: Findings,
): ConfiguredProviders {
  const settings: Record<string, ProviderSetting> = {};
  const defaultModels: Record<string, string> = {};
  const keyPlaces = new Map<string, readonly KeyPlace[]>();
  const missingKeys = new Map<string, readonly string[]>();
  const shipped = PROVIDERS.map((definition) => billed(definition, read, { file, ...findings }));
  const definitions = [...shipped, ...endpointDefinitions(file, read, findings)];
  for (const definition of definitions) {
    const { id, needsKey, defaultModel } = definition;
    defaultModels[id] = modelOf(definition, read, findings) ?? defaultModel;
    const connection = {
      ...endpointOf(definition, read, { file, ...findings }),
      ...organizationOf(definition, read, findings),
    };
    const keys = readKeys(definition, read, findings);
    if (keys.length > 0)
      keyPlaces.set(
        id,
        keys.map(({ key, source }) => ({ keyId: keyIdOf(key), source })),
      );
    if (keys.length === 0 && needsKey) missingKeys.set(id, variablesFor(definition));
    else settings[id] = { apiKeys: keys.map(({ key }) => key), ...connection };
  }
  return {
    definitions,
    catalogue: createCatalogue(definitions, file.models),
    settings: { ...settings, fake: { options: file.fake } },
    ...{ defaultModels, keyPlaces, missingKeys, trustedHosts: file.trustedEndpointHosts },
  };
}

/** Further names of the variable for several keys are left out: messages name what is easiest to set. */
function variablesFor({ keyVariables, keyPoolVariables }: ProviderDefinition): readonly string[] {
  return [...keyVariables, ...keyPoolVariables.slice(0, 1)];
}

function modelOf(
  { modelVariable }: ProviderDefinition,
  read: EnvironmentReader,
  { problems }: Findings,
): string | undefined {
  const model = modelVariable === null ? undefined : read(modelVariable);
  if (model === undefined || MODEL_NAME.test(model)) return model;
  problems.push({
    source: "environment",
    path: modelVariable ?? "",
    got: describeValue(model),
    expected: MODEL_NAME_EXPECTED,
  });
  return undefined;
}

/**
 * What is free because it runs on the operator's own machines is so only there: whoever else is behind the URL sends a
 * bill and has limits. Endpoints of the file say themselves whose they are.
 */
function billed(
  definition: ProviderDefinition,
  read: EnvironmentReader,
  { file, notes }: Findings & { file: ConfigFile },
): ProviderDefinition {
  const { isFree, endpointVariable } = definition;
  const url = endpointVariable === null ? undefined : read(endpointVariable);
  if (!isFree || url === undefined || isTrusted(url, file) || isOwnHost(url)) return definition;
  const host = URL.parse(url)?.hostname;
  if (host === undefined) return definition;
  const own = "if it is, name it in trustedEndpointHosts of the configuration file";
  notes.push(`${endpointVariable}: ${host} is no host of your own: what it costs is in prices, if anywhere; ${own}`);
  return { ...definition, isFree: false, limited: true };
}

function organizationOf(
  { organizationVariable }: ProviderDefinition,
  read: EnvironmentReader,
  { problems }: Findings,
): { organization?: string } {
  const organization = organizationVariable === null ? undefined : read(organizationVariable);
  if (organization === undefined || organizationVariable === null) return {};
  const got = faultOfSecret(organization);
  if (got === null) return { organization };
  problems.push({
    source: "environment",
    path: organizationVariable,
    got,
    expected: "the id of an organization, or an empty variable",
  });
  return {};
}

function endpointOf(
  { endpointVariable, callPath, defaultBaseUrl }: ProviderDefinition,
  read: EnvironmentReader,
  { file, problems, notes }: Findings & { file: ConfigFile },
): { baseUrl?: string } {
  const url = endpointVariable === null ? undefined : read(endpointVariable);
  if (url === undefined || endpointVariable === null) return {};
  const endpoint = normalizeEndpoint(url, {
    ...{ source: "environment", path: endpointVariable, callPath },
    allowInsecure: isTrusted(url, file),
  });
  problems.push(...endpoint.problems);
  notes.push(...endpoint.notes);
  return endpoint.baseUrl === null || endpoint.baseUrl === defaultBaseUrl ? {} : { baseUrl: endpoint.baseUrl };
}
