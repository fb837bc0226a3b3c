import { isTrustedHost } from "../platform/checked-lookup.ts";
import { defineOpenAiAlike } from "../providers/openai-compatible/define-openai-alike.ts";
import { normalizeEndpoint } from "../providers/http/normalize-endpoint.ts";
import type { ProviderDefinition } from "../providers/registry.ts";
import type { ConfigFile } from "./config-file.ts";
import type { Endpoint } from "./endpoints-schema.ts";
import type { EnvironmentReader } from "./environment.ts";
import { faultOfSecret, type Findings } from "./provider-keys.ts";

/** The endpoints of the configuration file as providers. One with a fault is reported, and there all the same. */
export function endpointDefinitions(
  file: ConfigFile,
  read: EnvironmentReader,
  findings: Findings,
): readonly ProviderDefinition[] {
  return Object.entries(file.endpoints).map(([name, endpoint]) => ({
    ...defineOpenAiAlike({
      id: name,
      title: name,
      baseUrl: baseUrlOf(name, endpoint, { file, ...findings }),
      needsKey: endpoint.keyVariable !== undefined,
      keyVariables: endpoint.keyVariable === undefined ? [] : [endpoint.keyVariable],
      keyPoolVariables: [],
      defaultModel: endpoint.model,
      headers: headersOf(name, endpoint, { read, ...findings }),
      limited: !endpoint.local,
      isFree: endpoint.local,
      models: { prices: endpoint.prices },
    }),
    modelVariable: null,
    endpointVariable: null,
  }));
}

export function isTrusted(url: string, { trustedEndpointHosts }: ConfigFile): boolean {
  const host = URL.parse(url.trim())?.hostname;
  return host !== undefined && isTrustedHost(host, trustedEndpointHosts);
}

const SOURCE = "configuration file";

function baseUrlOf(
  name: string,
  { baseUrl }: Endpoint,
  { file, problems, notes }: Findings & { file: ConfigFile },
): string {
  const normalized = normalizeEndpoint(baseUrl, {
    ...{ source: SOURCE, path: `endpoints.${name}.baseUrl`, callPath: "/chat/completions" },
    allowInsecure: isTrusted(baseUrl, file),
  });
  problems.push(...normalized.problems);
  notes.push(...normalized.notes);
  return normalized.baseUrl ?? "";
}

/** What is secret is read from the environment, and never shown. */
function headersOf(
  name: string,
  { headers }: Endpoint,
  { read, problems }: Findings & { read: EnvironmentReader },
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (typeof value === "string") {
      values[header] = value;
      continue;
    }
    const secret = read.secret(value.variable)?.trim();
    const got = secret === undefined ? "nothing" : faultOfSecret(secret);
    if (got !== null) {
      const expected = `the value of the header ${header} of endpoint ${name}`;
      problems.push({ source: "environment", path: value.variable, got, expected });
    }
    values[header] = secret ?? "";
  }
  return values;
}
