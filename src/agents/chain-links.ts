import { isRecord, type FieldPath } from "../platform/field-fault.ts";
import type { ProviderId } from "../providers/provider.ts";
import { DEFAULT_PROVIDER, type CompileOptions } from "./compile-agent.ts";

/** One provider of the chain as the file has it, unchecked: single fields are the schema's business. */
export interface Link {
  readonly provider: unknown;
  readonly config: Readonly<Record<string, unknown>>;
  /** Where `config` stands in the file. */
  readonly path: FieldPath;
}

/** The chain of an unchecked file, the primary first. */
export function linksOf(file: unknown): Link[] {
  const { llm_provider: provider = DEFAULT_PROVIDER, llm_config: config } = isRecord(file) ? file : {};
  return readLinks(provider, config, ["llm_config"]);
}

function readLinks(provider: unknown, llmConfig: unknown, path: FieldPath): Link[] {
  const config = isRecord(llmConfig) ? llmConfig : {};
  const link = { provider, config, path };
  const next = config["fallback_provider"];
  if (next === undefined) return [link];
  return [link, ...readLinks(next, config["fallback_config"], [...path, "fallback_config"])];
}

/** `undefined`: the provider is not known, or the model is no name. */
export function modelOf(
  { provider, config }: Link,
  { knownProviders, defaultModel }: CompileOptions,
): { provider: ProviderId; model: string } | undefined {
  if (typeof provider !== "string" || !knownProviders.includes(provider)) return undefined;
  const model = config["model"] ?? defaultModel(provider);
  return typeof model === "string" ? { provider, model } : undefined;
}
