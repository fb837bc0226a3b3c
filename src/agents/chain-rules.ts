import { describeValue, type FieldFault } from "../platform/field-fault.ts";
import { linksOf, modelOf, type Link } from "./chain-links.ts";
import type { CompileOptions } from "./compile-agent.ts";

const FAKE_ONLY = ["response_style", "include_prompt"] as const;

/** What is wrong with the chain as a whole. Takes an unchecked file, so that every fault is found in one go. */
export function findChainFaults(file: unknown, options: CompileOptions): FieldFault[] {
  const links = linksOf(file);
  return [
    ...links.flatMap((link) => findFakeOnlyFields(link, options)),
    ...links.flatMap((link) => findMissingProvider(link, options)),
    ...links.slice(1).flatMap(findOwnPrompt),
    ...findCycle(links, options),
  ];
}

function findFakeOnlyFields({ provider, config, path }: Link, { knownProviders }: CompileOptions): FieldFault[] {
  if (provider === "fake" || typeof provider !== "string" || !knownProviders.includes(provider)) return [];
  return FAKE_ONLY.filter((name) => config[name] !== undefined).map((name) => ({
    path: [...path, name],
    got: `${describeValue(config[name])} for ${describeValue(provider)}`,
    expected: "no such field here: only the fake provider takes it",
  }));
}

function findMissingProvider({ config, path }: Link, { knownProviders }: CompileOptions): FieldFault[] {
  if (config["fallback_config"] === undefined || config["fallback_provider"] !== undefined) return [];
  const expected = `fallback_provider beside it, one of ${knownProviders.join(", ")}`;
  return [{ path: [...path, "fallback_config"], got: "fallback_config without fallback_provider", expected }];
}

function findOwnPrompt({ config, path }: Link): FieldFault[] {
  if (config["system_prompt"] === undefined) return [];
  const expected = "no prompt of its own: a fall-back speaks with the agent's prompt";
  return [{ path: [...path, "system_prompt"], got: "a system_prompt in a fall-back", expected }];
}

function findCycle(links: readonly Link[], options: CompileOptions): FieldFault[] {
  const labels = links.map((link) => label(link, options));
  const repeated = labels.findIndex((name, index) => name !== undefined && labels.indexOf(name) < index);
  const path = links[repeated]?.path;
  if (path === undefined) return [];
  const cycle = labels.slice(labels.indexOf(labels[repeated]), repeated + 1).map((name) => name ?? "?");
  return [
    {
      path: [...path.slice(0, -1), "fallback_provider"],
      got: cycle.join(" > "),
      expected: "every provider and model at most once in a chain",
    },
  ];
}

function label(link: Link, options: CompileOptions): string | undefined {
  const id = modelOf(link, options);
  return id === undefined ? undefined : `${id.provider}/${id.model}`;
}
