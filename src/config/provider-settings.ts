import { describeValue } from "../platform/field-fault.ts";
import { createCatalogue, type ModelCatalogue } from "../models/model-catalogue.ts";
import {
  PROVIDERS,
  keyIdOf,
  type ProviderDefinition,
  type ProviderSetting,
  type ProviderSettings,
} from "../providers/registry.ts";
import { normalizeEndpoint } from "../providers/http/normalize-endpoint.ts";
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
  const definitions = [...PROVIDERS, ...endpointDefinitions(file, read, findings)];
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
    ...{ defaultModels, keyPlaces, missingKeys },
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
  if (model === undefined || /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/.test(model)) return model;
  problems.push({
    source: "environment",
    path: modelVariable ?? "",
    got: describeValue(model),
    expected: "the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit",
  });
  return undefined;
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
