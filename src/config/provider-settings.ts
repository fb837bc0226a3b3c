import { describeValue } from "../platform/field-fault.ts";
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
    const organization = organizationOf(definition, read, findings);
    if (!definition.needsKey) continue;
    const apiKey = keyOf(definition, read, findings);
    if (apiKey === undefined) missingKeys.set(definition.id, definition.keyVariables);
    else settings[definition.id] = { apiKey, ...baseUrl, ...organization };
  }
  return { settings: { ...settings, fake: file.fake }, defaultModels, missingKeys };
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
  const got = faultOf(organization);
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
  const host = URL.parse(url.trim())?.hostname ?? "";
  return trustedEndpointHosts.some((trusted) => trusted.toLowerCase() === host);
}

function keyOf(
  { keyVariables }: ProviderDefinition,
  read: EnvironmentReader,
  { problems, notes }: Findings,
): string | undefined {
  const given = keyVariables.flatMap((variable) => {
    const value = read.secret(variable);
    return value === undefined ? [] : [{ variable, value, key: value.trim() }];
  });
  const [used, ...unused] = given;
  if (used === undefined) return undefined;
  if (used.key !== used.value) notes.push(`${used.variable}: white space around the key was removed`);
  for (const { variable, key } of unused)
    if (key !== used.key) notes.push(`${variable}: not used, because ${used.variable} is set`);
  const got = faultOf(used.key);
  if (got === null) return used.key;
  const expected = "the key alone, as the vendor shows it, or an empty variable";
  problems.push({ source: "environment", path: used.variable, got, expected });
  return undefined;
}

/** What templates and documentation have where a key belongs. */
const PLACEHOLDER = /^(?:(?:sk|xai)-)?(?:your[_-].*|<.*>|\.{3,}|\*{3,}|x{3,}|(?:change|replace)[_-]?me|todo)$/i;

/** The value itself is never shown. */
function faultOf(value: string): string | null {
  if (PLACEHOLDER.test(value)) return "the placeholder of a template";
  if (/\s/.test(value)) return "white space inside";
  return /^[\x21-\x7e]+$/.test(value) ? null : "characters that are not printable ASCII";
}
