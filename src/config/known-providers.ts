import { describeValue, isRecord, type FieldFault, type FieldPath } from "../platform/field-fault.ts";
import { oneOf } from "../platform/one-of.ts";
import { PROVIDERS } from "../providers/registry.ts";

const SHIPPED = PROVIDERS.map(({ id }) => id);

/**
 * Every place of a configuration file that names a provider has to name one that is shipped, or an endpoint of the file
 * itself. Takes an unchecked file, so that every fault is found in one go.
 */
export function findUnknownProviders(file: unknown): FieldFault[] {
  if (!isRecord(file)) return [];
  const own = keysOf(file["endpoints"]);
  const known = new Set([...SHIPPED, ...own]);
  const unknown = [...namedAsKeys(file), ...namedInEntries(file)]
    .filter(({ name }) => !known.has(name))
    .map(({ path, name, got }) => ({ path, got, expected: oneOf(name, known) }));
  const taken = own
    .filter((name) => SHIPPED.includes(name))
    .map((name) => ({
      path: ["endpoints", name],
      got: "the name of a provider that is there already",
      expected: "a name of its own",
    }));
  return [...unknown, ...taken];
}

interface NamedProvider {
  readonly path: FieldPath;
  readonly name: string;
  readonly got: string;
}

function namedAsKeys({ limitGroups, budgets }: Readonly<Record<string, unknown>>): NamedProvider[] {
  const perDay = isRecord(budgets) ? budgets["providerUsdPerDay"] : undefined;
  return [...inKeys(limitGroups, "limitGroups"), ...inKeys(perDay, "budgets", "providerUsdPerDay")];
}

function inKeys(value: unknown, ...path: string[]): NamedProvider[] {
  return keysOf(value).map((name) => ({ path: [...path, name], name, got: "an unknown provider" }));
}

function namedInEntries({ limits, prices, models }: Readonly<Record<string, unknown>>): NamedProvider[] {
  const own = isRecord(models) ? models : {};
  return [
    ...inEntries(limits, "limits"),
    ...inEntries(prices, "prices"),
    ...inEntries(own["families"], "models", "families"),
    ...inEntries(own["models"], "models", "models"),
  ];
}

function inEntries(list: unknown, ...path: string[]): NamedProvider[] {
  return (Array.isArray(list) ? list : []).flatMap((entry: unknown, index) => {
    const name = isRecord(entry) ? entry["provider"] : undefined;
    return typeof name === "string" ? [{ path: [...path, index, "provider"], name, got: describeValue(name) }] : [];
  });
}

function keysOf(value: unknown): string[] {
  return isRecord(value) ? Object.keys(value) : [];
}
