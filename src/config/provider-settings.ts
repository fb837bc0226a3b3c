import type { Problem } from "../platform/problem.ts";
import { PROVIDERS, type ProviderDefinition, type ProviderSettings } from "../providers/registry.ts";
import { normalizeEndpoint } from "../providers/openai-compatible/normalize-endpoint.ts";
import type { ConfigFile } from "./config-file.ts";
import type { EnvironmentReader } from "./environment.ts";

/** What the configuration says about providers. */
export interface ConfiguredProviders {
  /** For `createProviders`: only those that can be called. */
  readonly settings: ProviderSettings;
  /** Provider → the model of agents that name none. */
  readonly defaultModels: Readonly<Record<string, string>>;
  /** Providers that need a key and have none → the variables that would give it one. */
  readonly missingKeys: ReadonlyMap<string, readonly string[]>;
}

interface Findings {
  readonly problems: Problem[];
  readonly notes: string[];
}

export function readProviderSettings(
  read: EnvironmentReader,
  file: ConfigFile,
  findings: Findings,
): ConfiguredProviders {
  const settings: Record<string, unknown> = {};
  const defaultModels: Record<string, string> = {};
  const missingKeys = new Map<string, readonly string[]>();
  for (const definition of PROVIDERS) {
    defaultModels[definition.id] = modelOf(definition, read, findings) ?? definition.defaultModel;
    const baseUrl = endpointOf(definition, read, { file, ...findings });
    if (!definition.needsKey) continue;
    const apiKey = keyOf(definition, read, findings);
    if (apiKey === undefined) missingKeys.set(definition.id, definition.keyVariables);
    else settings[definition.id] = { apiKey, ...baseUrl, ...organizationOf(definition, read) };
  }
  return { settings: { ...settings, fake: file.fake }, defaultModels, missingKeys };
}

function modelOf(
  { modelVariable }: ProviderDefinition,
  read: EnvironmentReader,
  { problems }: Findings,
): string | undefined {
  const model = modelVariable === null ? undefined : read(modelVariable)?.trim();
  if (model === undefined || /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/.test(model)) return model;
  problems.push({
    source: "environment",
    path: modelVariable ?? "",
    got: JSON.stringify(model),
    expected: "the name of a model",
  });
  return undefined;
}

function organizationOf(
  { organizationVariable }: ProviderDefinition,
  read: EnvironmentReader,
): { organization?: string } {
  const organization = organizationVariable === null ? undefined : read(organizationVariable);
  return organization === undefined ? {} : { organization };
}

function endpointOf(
  { endpointVariable }: ProviderDefinition,
  read: EnvironmentReader,
  { file, problems, notes }: Findings & { file: ConfigFile },
): { baseUrl?: string } {
  const url = endpointVariable === null ? undefined : read(endpointVariable);
  if (url === undefined || endpointVariable === null) return {};
  const endpoint = normalizeEndpoint(url, { variable: endpointVariable, allowInsecure: isTrusted(url, file) });
  problems.push(...endpoint.problems);
  notes.push(...endpoint.notes);
  return endpoint.baseUrl === null ? {} : { baseUrl: endpoint.baseUrl };
}

function isTrusted(url: string, { trustedEndpointHosts }: ConfigFile): boolean {
  return trustedEndpointHosts.includes(URL.parse(url.trim())?.hostname ?? "");
}

/** What templates and documentation have where a key belongs. */
const PLACEHOLDER = /^(?:your[_-].*|<.*>|\.\.\.|changeme|xxx+|sk-\.\.\.)$/i;

function keyOf(
  { keyVariables }: ProviderDefinition,
  read: EnvironmentReader,
  { problems, notes }: Findings,
): string | undefined {
  for (const variable of keyVariables) {
    const given = read.secret(variable);
    if (given === undefined) continue;
    const key = given.trim();
    if (key !== given) notes.push(`${variable}: white space around the key was removed`);
    const fault = faultOf(key);
    if (fault === null) return key;
    problems.push({ source: "environment", path: variable, ...fault });
    return undefined;
  }
  return undefined;
}

/** The key itself is never shown. */
function faultOf(key: string): { got: string; expected: string } | null {
  if (PLACEHOLDER.test(key))
    return { got: "the placeholder of a template", expected: "your key, or leave the variable empty" };
  if (/\s/.test(key)) return { got: "a key with white space inside", expected: "the key alone, on one line" };
  if (!/^[\x21-\x7e]+$/.test(key))
    return { got: "a key with characters that are not ASCII", expected: "the key as the vendor shows it" };
  return null;
}
